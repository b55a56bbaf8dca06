// Frames of random networks through a bincim_sequencer against plain loops, with random stalls: each vector's place in
// every loop, of which it is the first or the last, where the walk goes behind it, and the cycles of each layer.
`default_nettype none

module bench_sequencer #(
    parameter Layers = 2,
    parameter Samples = 1,
    parameter Groups = 1,
    parameter Blocks = 1,
    parameter Passes = 1,
    parameter Planes = 1,
    parameter Skips = 0,
    parameter Bits = 1,
    parameter Pixels = 1,
    parameter CycleWidth = 16,
    parameter Seed = 1
);
  localparam LAYER = (Layers > 1) ? $clog2(Layers) : 1;
  localparam SAMPLE = (Samples > 1) ? $clog2(Samples) : 1;
  localparam GROUP = (Groups > 1) ? $clog2(Groups) : 1;
  localparam BLOCK = (Blocks > 1) ? $clog2(Blocks) : 1;
  localparam PASS = (Passes > 1) ? $clog2(Passes) : 1;
  localparam PLANE = (Planes > 1) ? $clog2(Planes) : 1;
  localparam BIT = (Bits > 1) ? $clog2(Bits) : 1;
  localparam PIXEL = (Pixels > 1) ? $clog2(Pixels) : 1;

  reg clk = 1'b0;
  reg rst_n = 1'b0;
  reg frame_ready = 1'b0;
  reg drained = 1'b0;
  reg done = 1'b0;
  reg advance = 1'b0;
  reg [LAYER-1:0] last_layer = 0;
  reg [LAYER-1:0] first_drawn = 0;
  reg [SAMPLE-1:0] last_sample = 0;
  reg [PLANE-1:0] last_plane = 0;
  wire frame_start, frame_done, busy, sample_first, sample_last, layer_start, valid;
  wire [SAMPLE-1:0] own_last_sample;
  wire [LAYER-1:0] walk_layer, layer_out;
  wire [CycleWidth-1:0] cycles;
  wire [GROUP-1:0] group_out;
  wire [PASS-1:0] pass_out;
  wire [PLANE-1:0] plane_out, own_last_plane;
  wire [BIT-1:0] bit_out;
  wire tile_first, pass_first, sum_first, sum_last, block_last, group_last, layer_last;
  wire walk_start, walk_back, block_end;

  // What the layers say, and the tiles of each layer's groups.
  reg [GROUP-1:0] groups [0:Layers-1];
  reg [BLOCK-1:0] blocks [0:Layers-1];
  reg [PASS-1:0] passes [0:Layers-1];
  reg [PLANE-1:0] planes [0:Layers-1];
  reg [BIT-1:0] bits [0:Layers-1];
  reg [PIXEL-1:0] pixels [0:Layers-1];
  reg [PIXEL-1:0] last_pixels [0:Layers-1];
  reg one_sum [0:Layers-1];
  reg [Passes*Planes-1:0] kept [0:Layers*Groups-1];

  // What follows the tile that stands.
  reg others;
  reg [PASS-1:0] next_pass, first_pass;
  reg [PLANE:0] following;
  wire [Passes*Planes-1:0] tiles = kept[walk_layer * Groups + group_out];
  integer p, q;

  always @(*) begin
    others = 1'b0;
    next_pass = 0;
    first_pass = 0;
    following = Planes;
    for (p = Passes - 1; p >= 0; p = p - 1)
      if (p > pass_out && tiles[plane_out*Passes+p]) begin
        others = 1'b1;
        next_pass = p;
      end
    for (q = Planes - 1; q >= 0; q = q - 1)
      for (p = Passes - 1; p >= 0; p = p - 1)
        if (q > plane_out && tiles[q*Passes+p]) begin
          following = q;
          first_pass = p;
        end
  end

  bincim_sequencer #(
      .Layers(Layers),
      .Samples(Samples),
      .Groups(Groups),
      .Blocks(Blocks),
      .Passes(Passes),
      .Planes(Planes),
      .Skips(Skips),
      .Bits(Bits),
      .Pixels(Pixels),
      .CycleWidth(CycleWidth)
  ) dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .frame_ready_i(frame_ready),
      .frame_start_o(frame_start),
      .frame_done_o(frame_done),
      .busy_o(busy),
      .last_layer_i(last_layer),
      .first_drawn_i(first_drawn),
      .last_sample_i(last_sample),
      .last_sample_o(own_last_sample),
      .sample_first_o(sample_first),
      .sample_last_o(sample_last),
      .walk_layer_o(walk_layer),
      .layer_o(layer_out),
      .layer_start_o(layer_start),
      .layer_drained_i(drained),
      .layer_done_i(done),
      .layer_cycles_o(cycles),
      .last_group_i(groups[walk_layer]),
      .last_block_i(blocks[walk_layer]),
      .last_pixel_i(pixels[walk_layer]),
      .last_block_last_pixel_i(last_pixels[walk_layer]),
      .one_sum_i(one_sum[walk_layer]),
      .last_bit_i(bits[walk_layer]),
      .last_plane_i(last_plane),
      .last_pass_i(passes[walk_layer]),
      .layer_last_plane_i(planes[walk_layer]),
      .pass_last_i(!others),
      .next_pass_i(next_pass),
      .following_plane_i(following),
      .first_pass_i(first_pass),
      .advance_i(advance),
      .issue_valid_o(valid),
      .group_o(group_out),
      .pass_o(pass_out),
      .plane_o(plane_out),
      .last_plane_o(own_last_plane),
      .bit_o(bit_out),
      .tile_first_o(tile_first),
      .pass_first_o(pass_first),
      .sum_first_o(sum_first),
      .sum_last_o(sum_last),
      .block_last_o(block_last),
      .group_last_o(group_last),
      .layer_last_o(layer_last),
      .walk_start_o(walk_start),
      .walk_back_o(walk_back),
      .block_end_o(block_end)
  );

  integer random = Seed;
  integer frame, sample, layer, group, block, plane, pass, code_bit, pixel, pixel_end, last_tile, i, j;
  integer run_planes, run_samples, expected_cycles;
  // The vector is the first or last one of its loops.
  reg first_tile, at_last_tile, at_last_bit, at_last_pixel, at_first_pixel;
  reg one;

  function integer below(input integer limit);
    below = $unsigned($random(random)) % limit;
  endfunction

  task tick;
    begin
      #1 clk = 1'b1;
      #1 clk = 1'b0;
      expected_cycles = expected_cycles + 1;
      // What a frame took over does not follow the ports.
      last_plane = below(Planes);
      last_sample = below(Samples);
      frame_ready = below(2);
    end
  endtask

  task wrong;
    begin
      $display("FAIL: %m frame %0d layer %0d: group %0d block %0d plane %0d pass %0d bit %0d pixel %0d", frame, layer,
               group, block, plane, pass, code_bit, pixel);
    end
  endtask

  // The vector that stands, in a cycle with or without advance.
  task vector;
    begin
      #1;
      if (!valid | !busy | frame_start) wrong;
      if (walk_layer !== layer || layer_out !== layer || own_last_plane !== run_planes) wrong;
      if (sample_first !== (sample == 0) || sample_last !== (sample == run_samples)) wrong;
      if (group_out !== group || plane_out !== plane || pass_out !== pass || bit_out !== code_bit) wrong;
      if (tile_first !== (code_bit == 0 && pixel == 0) || pass_first !== first_tile) wrong;
      if (sum_first !== (first_tile && code_bit == 0 && (pixel == 0 || !one))) wrong;
      if (sum_last !== (at_last_tile && at_last_bit && (at_last_pixel || !one))) wrong;
      if (block_last !== at_last_pixel) wrong;
      if (group_last !== (at_last_pixel && at_last_bit && at_last_tile && block == blocks[layer])) wrong;
      if (layer_last !== (group_last && group == groups[layer])) wrong;
      if (walk_start !== (advance && group_last)) wrong;
      if (walk_back !== (at_last_pixel && !(at_last_bit && at_last_tile))) wrong;
      if (block_end !== (advance && at_last_pixel && at_last_bit && at_last_tile)) wrong;
      tick;
    end
  endtask

  // Nothing is issued.
  task wait_some;
    begin
      for (i = below(4); i > 0; i = i - 1) begin
        advance = below(2);
        #1 if (valid | layer_last | !walk_start | block_end | frame_start | !busy) wrong;
        tick;
      end
    end
  endtask

  task network;
    begin
      last_layer = below(Layers);
      first_drawn = below(last_layer + 1);
      for (i = 0; i < Layers; i = i + 1) begin
        groups[i] = below(Groups);
        blocks[i] = below(Blocks);
        passes[i] = below(Passes);
        planes[i] = below(Planes);
        bits[i] = below(Bits);
        pixels[i] = below(Pixels);
        last_pixels[i] = below(Pixels);
        one_sum[i] = below(2);
        for (group = 0; group < Groups; group = group + 1)
          for (plane = 0; plane < Planes; plane = plane + 1)
            for (pass = 0; pass < Passes; pass = pass + 1)
              kept[i*Groups+group][plane*Passes+pass] = (plane <= planes[i]) && (pass <= passes[i])
                                                        && (Skips == 0 || plane == 0 || below(2) == 0);
      end
    end
  endtask

  task run_layer;
    begin
      one = one_sum[layer];
      for (group = 0; group <= groups[layer]; group = group + 1)
        for (block = 0; block <= blocks[layer]; block = block + 1) begin
          last_tile = 0;
          for (i = 0; i < (run_planes + 1) * Passes; i = i + 1)
            if (kept[layer*Groups+group][i]) last_tile = i;
          pixel_end = (block == blocks[layer]) ? last_pixels[layer] : pixels[layer];
          for (plane = 0; plane <= run_planes; plane = plane + 1)
            for (pass = 0; pass < Passes; pass = pass + 1)
              if (kept[layer*Groups+group][plane*Passes+pass])
                for (code_bit = 0; code_bit <= bits[layer]; code_bit = code_bit + 1)
                  for (pixel = 0; pixel <= pixel_end; pixel = pixel + 1) begin
                    first_tile = (plane == 0 && pass == 0);
                    at_last_tile = (plane * Passes + pass == last_tile);
                    at_last_bit = (code_bit == bits[layer]);
                    at_last_pixel = (pixel == pixel_end);
                    advance = 1'b0;
                    if (below(4) == 0) vector;
                    advance = 1'b1;
                    vector;
                  end
        end
    end
  endtask

  initial begin
    network;
    tick;
    rst_n = 1'b1;
    for (frame = 0; frame < 20; frame = frame + 1) begin
      frame_ready = 1'b0;
      advance = below(2);
      #1 if (busy | frame_start | valid) wrong;
      tick;
      network;
      run_planes = last_plane;
      run_samples = last_sample;
      frame_ready = 1'b1;
      #1 if (busy | !frame_start | frame_done) wrong;
      tick;
      for (sample = 0; sample <= run_samples; sample = sample + 1)
        for (layer = (sample == 0) ? 0 : first_drawn; layer <= last_layer; layer = layer + 1) begin
          expected_cycles = 1;
          if (!layer_start) wrong;
          run_layer;
          if (layer_start) wrong;
          wait_some;
          drained = 1'b1;
          tick;
          drained = 1'b0;
          wait_some;
          done = 1'b1;
          #1 if (frame_done !== (layer == last_layer && sample == run_samples)) wrong;
          if (((cycles ^ expected_cycles) & ((64'd1 << CycleWidth) - 1)) !== 0) wrong;
          tick;
          done = 1'b0;
        end
    end
    rst_n = 1'b0;
    #1 if (busy | valid | group_out !== 0 | bit_out !== 0) $display("FAIL: %m does not reset");
    $display("DONE");
  end
endmodule

`default_nettype wire
