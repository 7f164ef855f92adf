"""The authors' networks: writes their weights and outputs, and reads what `covector export` wrote.

    official.py make NETWORK CHECKOUTS FOLDER         writes NETWORK.pth and NETWORK.io.pth
    official.py check NETWORK CHECKOUTS FOLDER FILE   loads FILE, compares with NETWORK.io.pth

CHECKOUTS holds the authors' repositories under the names TransUNet (Beckschen), Swin-Unet (HuCaoFighting), U-KAN
(CUHK-AIM-Group) and COVER (YutingHe-list). Needs torch, numpy, scipy, safetensors, einops, ml_collections.
"""
import sys
import types
from pathlib import Path
from unittest import mock

import numpy as np
import torch

job, name, checkouts, folder = sys.argv[1:5]
folder = Path(folder)
# What two of the networks take from timm, which would bring torchvision; branches are left out in training only.
layers = types.ModuleType("timm.models.layers")
layers.DropPath = lambda probability: torch.nn.Identity()
layers.to_2tuple = lambda value: value if isinstance(value, tuple) else (value, value)
layers.trunc_normal_ = torch.nn.init.trunc_normal_
sys.modules.update({"timm": mock.MagicMock(), "timm.models": mock.MagicMock(), "timm.models.layers": layers})

HEADS = {"unet": None, "transunet": "segmentation_head", "swinunet": "output", "ukan": "final"}


def transunet(side):
    sys.path.insert(0, f"{checkouts}/TransUNet")
    from networks.vit_seg_modeling import CONFIGS, VisionTransformer

    config = CONFIGS["R50-ViT-B_16"]
    config.n_skip = 3
    config.patches.grid = (side // 16, side // 16)
    config.transformer.num_layers = 2  # of 12, to spare time
    return VisionTransformer(config, img_size=side, num_classes=config.n_classes)


def swinunet():
    sys.path.insert(0, f"{checkouts}/Swin-Unet")
    from networks.vision_transformer import SwinUnet

    space = types.SimpleNamespace
    swin = space(PATCH_SIZE=4, IN_CHANS=3, EMBED_DIM=96, DEPTHS=[2, 2, 2, 2], NUM_HEADS=[3, 6, 12, 24], WINDOW_SIZE=7,
                 MLP_RATIO=4.0, QKV_BIAS=True, QK_SCALE=None, APE=False, PATCH_NORM=True)
    config = space(DATA=space(IMG_SIZE=224), TRAIN=space(USE_CHECKPOINT=False),
                   MODEL=space(SWIN=swin, DROP_RATE=0.0, DROP_PATH_RATE=0.2))
    return SwinUnet(config, num_classes=9)


def ukan():
    # Imported by the authors' file and not used by their network.
    for module in ["torchvision", "torchvision.transforms", "torchvision.utils", "matplotlib", "matplotlib.pyplot"]:
        sys.modules[module] = mock.MagicMock()
    sys.modules["utils"] = types.ModuleType("utils")
    sys.path.insert(0, f"{checkouts}/U-KAN/Seg_UKAN")
    from archs import UKAN

    return UKAN(num_classes=1, embed_dims=[128, 160, 256])


def cover():
    sys.path.insert(0, checkouts + "/COVER")
    from models.cover import COVER

    return COVER(n_channels=1, dimensions="2D")


SIDE = {"unet": 64, "transunet": 64, "swinunet": 224, "ukan": 64}
BUILD = {"unet": cover, "transunet": lambda: transunet(64), "swinunet": swinunet, "ukan": ukan}


def maps(net, image):
    """The finest map, which goes into the head, and what the encoder gives."""
    kind = name.split("-")[0]  # of transunet-npz
    if kind == "unet":
        levels = net.backbone(image)
        return levels[0], levels[-1]
    kept = {}
    inner = net.swin_unet if kind == "swinunet" else net
    setattr(inner, HEADS[kind], torch.nn.Identity())
    encoder = {"transunet": lambda: net.transformer.encoder.encoder_norm, "swinunet": lambda: inner.norm,
               "ukan": lambda: net.norm4}[kind]()
    encoder.register_forward_hook(lambda module, args, out: kept.update(tokens=out))
    finest = net(image if kind == "swinunet" else image.repeat(1, 3, 1, 1))
    tokens = kept["tokens"]
    side = int(tokens.shape[1] ** 0.5)
    return finest, tokens.transpose(1, 2).reshape(len(image), -1, side, side)


def outputs(net, image, dtype):
    torch.set_default_dtype(dtype)  # of the zeros that TransUNet puts beside a skip
    net = net.to(dtype).eval()
    with torch.no_grad():
        finest, encoded = maps(net, image.to(dtype))
    torch.set_default_dtype(torch.float32)
    return finest, encoded


def stir(net):
    """Running averages and zeros of a fresh network would hide what is left out."""
    for key, tensor in net.state_dict().items():
        if key.endswith(("running_mean", "position_embeddings")) or (key.endswith("bias") and tensor.ndim == 1):
            tensor.add_(0.1 * torch.randn_like(tensor))
        if key.endswith("running_var"):
            tensor.mul_(1 + 0.2 * torch.rand_like(tensor))


def checkpoint(net):
    """As the authors' training scripts save it."""
    if name == "unet":
        optimiser = torch.optim.Adam(net.parameters())
        for parameter in net.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimiser.step()
        return {"epoch": 1, "arch": "COVER", "state_dict": net.state_dict(), "optimizer": optimiser.state_dict()}
    if name == "transunet":
        return torch.nn.DataParallel(net).state_dict()
    return net.state_dict()


def make():
    torch.manual_seed(7)
    net = BUILD[name]()
    stir(net)
    torch.save(checkpoint(net), folder / f"{name}.pth")
    image = torch.randn(2, 1, SIDE[name], SIDE[name])
    saved = {"image": image}
    for dtype in [torch.float32, torch.float64]:
        saved[f"finest.{dtype}"], saved[f"encoded.{dtype}"] = outputs(net, image, dtype)
    torch.save(saved, folder / f"{name}.io.pth")


def jax_layout(net, tokens):
    """Numbers for every array that load_from() asks for, and for those of the classification."""

    state, arrays = net.state_dict(), {}
    rng = np.random.default_rng(3)

    def put(key, shape):
        arrays[key] = (0.05 * rng.standard_normal(shape) + (1 if key.endswith("scale") else 0)).astype(np.float32)

    hybrid = "transformer.embeddings.hybrid_model."
    for key, tensor in state.items():
        shape = tuple(tensor.shape)
        parts = key.split(".")
        if key.startswith(hybrid + "body."):
            block, unit, layer, leaf = parts[4:]
            layer = "conv_proj" if layer == "downsample" else layer
            conv = layer.startswith("conv")
            put(f"{block}/{unit}/{layer}/" + ("kernel" if conv else "scale" if leaf == "weight" else "bias"),
                (shape[2], shape[3], shape[1], shape[0]) if conv else (1, 1, 1, *shape))
        elif key == hybrid + "root.conv.weight":
            put("conv_root/kernel", (shape[2], shape[3], shape[1], shape[0]))
        elif key.startswith(hybrid + "root.gn."):
            put("gn_root/" + ("scale" if parts[-1] == "weight" else "bias"), (1, 1, 1, *shape))
        elif ".patch_embeddings." in key:
            put("embedding/" + ("kernel" if parts[-1] == "weight" else "bias"),
                (shape[2], shape[3], shape[1], shape[0]) if parts[-1] == "weight" else shape)
        elif ".encoder_norm." in key:
            put("Transformer/encoder_norm/" + ("scale" if parts[-1] == "weight" else "bias"), shape)
        elif key.startswith("transformer.encoder.layer."):
            root = f"Transformer/encoderblock_{parts[3]}/"
            if parts[4] in ["attention_norm", "ffn_norm"]:
                put(root + ("LayerNorm_0/" if parts[4] == "attention_norm" else "LayerNorm_2/")
                    + ("scale" if parts[-1] == "weight" else "bias"), shape)
            elif parts[4] == "ffn":
                put(root + "MlpBlock_3/Dense_" + ("0/" if parts[5] == "fc1" else "1/")
                    + ("kernel" if parts[-1] == "weight" else "bias"), shape[::-1])
            else:
                heads = (12, 64)
                kernel = (*heads, 768) if parts[5] == "out" else (768, *heads)
                put(root + f"MultiHeadDotProductAttention_1/{parts[5]}/" + ("kernel" if parts[-1] == "weight" else "bias"),
                    kernel if parts[-1] == "weight" else shape if parts[5] == "out" else heads)
    put("Transformer/posembed_input/pos_embedding", (1, tokens + 1, 768))
    put("cls", (1, 1, 768))
    put("head/kernel", (768, 10))
    put("head/bias", (10,))
    return arrays


def make_npz():
    """Weights in the layout of ImageNet-21k's, for positions of another size, through load_from()."""
    torch.manual_seed(7)
    net = transunet(96)
    np.savez(folder / "transunet-npz.npz", **jax_layout(net, 14 * 14))
    net.load_from(np.load(folder / "transunet-npz.npz"))
    image = torch.randn(2, 1, 96, 96)
    saved = {"image": image}
    for dtype in [torch.float32, torch.float64]:
        saved[f"encoded.{dtype}"] = outputs(net, image, dtype)[1]
    torch.save(saved, folder / "transunet-npz.io.pth")


def check():
    file = sys.argv[5]
    if file.endswith(".safetensors"):
        from safetensors.torch import load_file

        weights = load_file(file)
    else:
        weights = torch.load(file, weights_only=True)
    torch.manual_seed(8)
    net = BUILD[name]()
    network = net.backbone if name == "unet" else net.swin_unet if name == "swinunet" else net
    if HEADS[name]:
        setattr(network, HEADS[name], torch.nn.Identity())
    network.load_state_dict(weights, strict=True)
    saved = torch.load(folder / f"{name}.io.pth", weights_only=True)
    for dtype, most in [(torch.float32, 1e-5), (torch.float64, 1e-12)]:
        finest, encoded = outputs(net, saved["image"], dtype)
        for what, got in {"finest": finest, "encoded": encoded}.items():
            gap = (got - saved[f"{what}.{dtype}"]).abs().max().item()
            print(what, dtype, gap)
            if not gap <= most:
                sys.exit(f"{what}: differs by {gap}")


{"make": make_npz if name == "transunet-npz" else make, "check": check}[job]()
