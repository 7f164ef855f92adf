#!/usr/bin/env python3
"""The scripts around the benchmarks: what they compute and write, without running a benchmark."""
import gzip
import pathlib
import random
import struct
import tempfile
import types
import unittest
import xml.etree.ElementTree
import zlib

import all_methods
import cost_growth
import made_up
import svg_chart


def run(step, memory):
    """What `covector bench` says of a step of so many milliseconds."""
    parts = {"views": 0.1, "backbone": 0.3, "method": 0.1, "backward": 0.4, "optimiser": 0.1}
    return {"steps_per_second": 1000 / step, "seconds_per_step": {name: share * step / 1000 for name, share in parts.items()},
            "peak_memory_mib": memory, "device": "a machine", "precision": "float32"}


class AllMethods(unittest.TestCase):
    options = types.SimpleNamespace(methods=["cover", "simclr"], threads=2, rounds=1, steps=1)

    def table(self, time, memory):
        return all_methods.table(2, {"cover, 2D": [run(100, 500)], "simclr, 2D": [run(time, memory)]}, self.options)

    def test_ratios_are_to_cover(self):
        text, missing = self.table(150, 250)
        self.assertIn("| simclr | 150 (150 to 150) | 1.50 | 15 | 45 | 15 | 60 | 15 | 250 | 0.50 |  |", text)
        self.assertIn("| scratch | 0 |", text)
        self.assertEqual(missing, [])

    def test_twice_as_much_time_or_memory_needs_a_reason(self):
        for time, memory in [(201, 500), (100, 1001)]:
            text, missing = self.table(time, memory)
            self.assertIn("**no reason yet**", text)
            self.assertEqual(missing, ["simclr, 2D"])

    def test_a_reason_stands_beside_it(self):
        all_methods.REASONS["simclr"] = "made up"
        self.addCleanup(all_methods.REASONS.pop, "simclr")
        text, missing = self.table(201, 500)
        self.assertIn("| made up |", text)
        self.assertEqual(missing, [])

    def test_every_method_has_its_recipes(self):
        self.assertEqual(len(all_methods.METHODS), 18)  # scratch, the nineteenth, trains nothing
        for method in all_methods.METHODS:
            for dimensions in (2, 3):
                self.assertTrue((all_methods.bench.RECIPES / f"pretrain/{method}-{dimensions}d.toml").is_file(), method)


class CostGrowth(unittest.TestCase):
    def test_exponent_of_a_power_law(self):
        self.assertAlmostEqual(cost_growth.exponent([(x, 7 * x ** 2) for x in (1, 3, 8)]), 2)
        # 1, 2, 2 at 0, 1, 2 in logarithms of 2: least squares give (1 x 1 / 2 + 0 + 1 x 1 / 2) / 2.
        self.assertAlmostEqual(cost_growth.exponent([(1, 2), (2, 4), (4, 4)]), 0.5)

    def test_direct_reaches_as_far_as_the_pyramid(self):
        # 3 x (16 + 8 + 4 + 2 + 1)
        self.assertIn("method.radius=93", cost_growth.direct(3))

    def test_operations_of_a_unit_by_hand(self):
        # 2 x 2 positions, 3 channels, one group of 8, 9 neighbours: 4 (4 x 3 x 8 + 9 (2 x 8 + 3 + 4)).
        self.assertEqual(cost_growth.unit_flops(2, 3, 1), 4 * (96 + 207))
        # Two groups: twice the width, and all else per group.
        self.assertEqual(cost_growth.unit_flops(2, 3, 1, groups=2), 2 * 4 * (96 + 207))

    def test_operations_of_the_paper(self):
        # "VPA flat at 0.2 GFLOPs": the paper's views of 384 x 384 and radius 2, with what it does not say it counts.
        self.assertTrue(0.1e9 < cost_growth.pyramid_flops(384, 2) < 1e9)
        self.assertGreater(cost_growth.direct_flops(384, 2) / cost_growth.pyramid_flops(384, 2), 52)
        # The dot products alone: 384^2 positions, (2 x 62 + 1)^2 neighbours, 8 channels.
        self.assertGreater(cost_growth.direct_flops(384, 2), 2 * 8 * 125 ** 2 * 384 ** 2)

    def test_the_analysis_joins_what_is_counted_and_measured(self):
        runs = {f"radius {r} {kind}": [run(100 * r, 500)] for r in (1, 2, 3, 4) for kind in ("VPA", "direct")}
        document = cost_growth.analysis(runs)
        self.assertEqual([panel["y"] for panel in document["panels"]], ["GFLOP", "ms", "MiB"])
        step = document["panels"][1]["lines"][0]
        self.assertEqual(step["name"], "VPA")
        self.assertEqual(step["points"][1][0], 62)
        self.assertAlmostEqual(step["points"][1][1], 200)


class Charts(unittest.TestCase):
    def test_ticks_enclose_the_range(self):
        self.assertEqual(svg_chart.ticks(3, 40), [2, 5, 10, 20, 50])
        self.assertEqual(svg_chart.ticks(5, 5), [5, 10])

    def test_a_power_law_is_a_straight_line(self):
        panel = svg_chart.Panel("title", "x", {"": [(1, 1), (10, 100), (100, 10000)]})
        self.assertAlmostEqual(panel.x(10), (panel.x(1) + panel.x(100)) / 2)
        self.assertAlmostEqual(panel.y(100), (panel.y(1) + panel.y(10000)) / 2)

    def test_it_is_xml_with_a_line_a_curve(self):
        panel = svg_chart.Panel("a < b", "x", {"one": [(1, 1), (2, 4)], "two": [(1, 2), (2, 3)]})
        root = xml.etree.ElementTree.fromstring(svg_chart.chart([panel, panel]))
        self.assertEqual(len(root.findall(".//{*}polyline")), 4)


class MadeUp(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_a_png_holds_its_rows(self):
        made_up.write_png(self.folder / "a.png", [b"\1\2\3", b"\4\5\6"])
        data = (self.folder / "a.png").read_bytes()
        self.assertEqual(struct.unpack(">IIB", data[16:25]), (3, 2, 8))
        begin = data.index(b"IDAT")
        length, = struct.unpack(">I", data[begin - 4:begin])
        self.assertEqual(zlib.decompress(data[begin + 4:begin + 4 + length]), b"\0\1\2\3\0\4\5\6")

    def test_a_nifti_holds_its_planes(self):
        made_up.write_nifti(self.folder / "a.nii.gz", [[b"\1\2\3"], [b"\4\5\6"]])
        data = gzip.decompress((self.folder / "a.nii.gz").read_bytes())
        self.assertEqual(struct.unpack_from("<4h", data, 40), (3, 3, 1, 2))
        self.assertEqual(data[352:], b"\1\2\3\4\5\6")

    def test_images_are_the_same_every_time_and_differ(self):
        for name in ("a", "b"):
            made_up.make_pictures(self.folder / name, 2, 16)
        first, second = ((self.folder / "a" / f"00{i}.png").read_bytes() for i in (0, 1))
        self.assertEqual(first, (self.folder / "b" / "000.png").read_bytes())
        self.assertNotEqual(first, second)
        levels = made_up.plane(*[made_up.profile(16, random.Random(1)) for _ in range(2)], 255, random.Random(1))
        self.assertEqual([len(row) for row in levels], [16] * 16)


if __name__ == "__main__":
    unittest.main()
