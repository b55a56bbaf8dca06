# Copyright bincim contributors.
# Licensed under the Apache License, Version 2.0, see LICENSE for details.
# SPDX-License-Identifier: Apache-2.0
"""cocotb tests of the accelerator: streams, scores, counters and a reset, on the vectors beside this file.

BINCIM_SEED sets the random gaps; it is printed. Needs cocotb 1.8 or later and nothing else.
"""

import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout

VECTORS = Path(__file__).parent / "vectors"
SEED = int(os.environ.get("BINCIM_SEED") or 1)
BEATS = <: beats :>
SCORES = <: scores :>
LAYERS = <: layers :>
FRAME_CYCLES = <: cycles :>
# Planes of weights to run, and planes there are; with one there is no register.
PLANES = <: planes :>
ALL_PLANES = <: weight_planes :>
PATIENCE_NS = 10 * (20 * (FRAME_CYCLES + BEATS) + 4000)


def words(name):
    """The numbers of one vector file."""
    return [int(line, 16) for line in (VECTORS / name).read_text().split()]


STIMULUS = words("stimulus.hex")
EXPECTED = words("scores.hex")
CYCLES = words("cycles.hex")
IMAGES = len(EXPECTED) // SCORES


async def start(dut):
    """Clock, idle inputs, reset."""
    clock = Clock(dut.clk_i, 10, "ns")
    cocotb.start_soon(clock.start())
    for name in ("s_axis_tvalid", "s_axis_tlast", "s_axis_tdata", "m_axis_tready"):
        getattr(dut, name).value = 0
    for name in ("awvalid", "awaddr", "wvalid", "wdata", "wstrb", "bready", "arvalid", "araddr", "rready"):
        getattr(dut, f"s_axil_{name}").value = 0
    await reset(dut)


async def reset(dut):
    dut.s_axis_tvalid.value = 0
    dut.rst_ni.value = 0
    for _ in range(3):
        await FallingEdge(dut.clk_i)
    dut.rst_ni.value = 1
    if ALL_PLANES > 1:
        await write(dut, 0x018, PLANES)


async def send(dut, image, draw, pace):
    """Streams one image; `pace` is the chance of a beat a cycle."""
    for beat in range(BEATS):
        while draw.random() >= pace:
            await FallingEdge(dut.clk_i)
        dut.s_axis_tdata.value = STIMULUS[image * BEATS + beat]
        dut.s_axis_tlast.value = int(beat == BEATS - 1)
        dut.s_axis_tvalid.value = 1
        while True:
            await RisingEdge(dut.clk_i)
            if int(dut.s_axis_tready.value):
                break
        await FallingEdge(dut.clk_i)
        dut.s_axis_tvalid.value = 0


async def receive(dut, draw, pace):
    """Takes one frame of scores; checks that tlast comes with the last one and only there."""
    scores = []
    while len(scores) < SCORES:
        await FallingEdge(dut.clk_i)
        dut.m_axis_tready.value = int(draw.random() < pace)
        await RisingEdge(dut.clk_i)
        if int(dut.m_axis_tvalid.value) and int(dut.m_axis_tready.value):
            scores.append(int(dut.m_axis_tdata.value))
            assert int(dut.m_axis_tlast.value) == (len(scores) == SCORES), f"tlast at score {len(scores) - 1}"
    await FallingEdge(dut.clk_i)
    dut.m_axis_tready.value = 0
    return scores


async def read(dut, address):
    """One AXI4-Lite read."""
    await FallingEdge(dut.clk_i)
    dut.s_axil_araddr.value = address
    dut.s_axil_arvalid.value = 1
    while True:
        await RisingEdge(dut.clk_i)
        if int(dut.s_axil_arready.value):
            break
    await FallingEdge(dut.clk_i)
    dut.s_axil_arvalid.value = 0
    dut.s_axil_rready.value = 1
    while True:
        await RisingEdge(dut.clk_i)
        if int(dut.s_axil_rvalid.value):
            break
    value, response = int(dut.s_axil_rdata.value), int(dut.s_axil_rresp.value)
    await FallingEdge(dut.clk_i)
    dut.s_axil_rready.value = 0
    assert response == 0, f"response of register {address:#x}"
    return value


async def write(dut, address, data):
    """One AXI4-Lite write; address and data are taken together."""
    await FallingEdge(dut.clk_i)
    dut.s_axil_awaddr.value = address
    dut.s_axil_wdata.value = data
    dut.s_axil_wstrb.value = 0xF
    dut.s_axil_awvalid.value = 1
    dut.s_axil_wvalid.value = 1
    dut.s_axil_bready.value = 1
    while True:
        await RisingEdge(dut.clk_i)
        if int(dut.s_axil_awready.value) and int(dut.s_axil_wready.value):
            break
    await FallingEdge(dut.clk_i)
    dut.s_axil_awvalid.value = 0
    dut.s_axil_wvalid.value = 0
    while not int(dut.s_axil_bvalid.value):
        await FallingEdge(dut.clk_i)
    assert int(dut.s_axil_bresp.value) == 0, f"response of register {address:#x}"
    await FallingEdge(dut.clk_i)
    dut.s_axil_bready.value = 0


async def frames(dut, draw, in_pace, out_pace):
    """Every image through the accelerator, the next one sent while the present one is computed."""

    async def feed():
        for image in range(IMAGES):
            await send(dut, image, draw, in_pace)

    feeder = cocotb.start_soon(feed())
    for image in range(IMAGES):
        scores = await with_timeout(receive(dut, draw, out_pace), PATIENCE_NS, "ns")
        assert scores == EXPECTED[image * SCORES : (image + 1) * SCORES], f"scores of image {image}"
    await feeder


async def counters(dut, images):
    assert await read(dut, 0x000) == 0x42434D31, "ID"
    assert await read(dut, 0x00C) == images, "FRAMES"
    assert await read(dut, 0x010) == FRAME_CYCLES, "CYCLES"
    assert await read(dut, 0x014) == LAYERS, "LAYERS"
    assert await read(dut, 0x018) == (PLANES if ALL_PLANES > 1 else 0), "PLANES"
    for layer in range(LAYERS):
        assert await read(dut, 0x100 + 4 * layer) == CYCLES[layer], f"cycles of layer {layer}"


@cocotb.test()
async def full_rate(dut):
    """Every image at full rate: scores, tlast and cycle counters."""
    await start(dut)
    await frames(dut, random.Random(SEED), 1.0, 1.0)
    await counters(dut, IMAGES)


@cocotb.test()
async def random_gaps(dut):
    """The same under random gaps and back-pressure."""
    draw = random.Random(SEED)
    dut._log.info("seed %d", SEED)
    await start(dut)
    await frames(dut, draw, draw.uniform(0.2, 1.0), draw.uniform(0.2, 1.0))
    await counters(dut, IMAGES)


@cocotb.test()
async def reset_at_a_random_cycle(dut):
    """A reset in the middle of a frame leaves nothing behind."""
    draw = random.Random(SEED + 1)
    await start(dut)
    feeder = cocotb.start_soon(send(dut, 0, draw, 1.0))
    for _ in range(draw.randrange(1, FRAME_CYCLES + BEATS)):
        await FallingEdge(dut.clk_i)
    feeder.cancel() if hasattr(feeder, "cancel") else feeder.kill()
    await reset(dut)
    await frames(dut, draw, 0.7, 0.7)
    await counters(dut, IMAGES)
