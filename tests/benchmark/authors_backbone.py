"""Times training steps of an authors' backbone and prints a line of JSON. See README.md.

The network without its own head, so that its finest map comes out; the loss is the mean of its squares.
"""
import os
import sys

import torch

import authors

options = authors.options_of(__doc__, backbone="unet", window=12, size=384, batch=1, steps=5, warm_up=2, threads=2)


def unet():
    from models.backbone.UNet import UNet_base
    return lambda: UNet_base(n_channels=1)


def transunet():
    from networks import vit_seg_modeling
    config = vit_seg_modeling.CONFIGS["R50-ViT-B_16"]
    config.n_classes = 2
    config.n_skip = 3
    config.patches.grid = (options.size // 16, options.size // 16)  # as their train.py sets it
    return lambda: vit_seg_modeling.VisionTransformer(config, img_size=options.size, num_classes=2)


def swinunet():
    from networks.swin_transformer_unet_skip_expand_decoder_sys import SwinTransformerSys
    # The drop path of their yaml; its other numbers are the class's own.
    return lambda: SwinTransformerSys(img_size=options.size, in_chans=1, num_classes=2, window_size=options.window, drop_path_rate=0.2)


def ukan():
    sys.path.insert(0, os.path.join(options.checkout, "Seg_UKAN"))
    from archs import UKAN
    return lambda: UKAN(num_classes=1, embed_dims=[128, 160, 256])


sys.path.insert(0, options.checkout)
build = {imports.__name__: imports for imports in [unet, transunet, swinunet, ukan]}[options.backbone]()
program = authors.peak_mebibytes()  # before there is a network
network = build().train()
heads = {"transunet": "segmentation_head", "swinunet": "output", "ukan": "final"}
if options.backbone in heads:
    setattr(network, heads[options.backbone], torch.nn.Identity())
# U-KAN's first convolution takes three channels; TransUNet repeats one to three by itself, as ours does for both.
channels = 3 if options.backbone == "ukan" else 1


def image():
    return [torch.rand(options.batch, 1, options.size, options.size).expand(-1, channels, -1, -1)]


def loss(x):
    y = network(x)
    return (y[0] if options.backbone == "unet" else y).square().mean()


parameters = sum(parameter.numel() for parameter in network.parameters())
authors.time_steps(options, image, loss, torch.optim.Adam(network.parameters(), 1e-4), parameters=parameters,
                   mebibytes_program=program)
