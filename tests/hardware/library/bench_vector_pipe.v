// Random vectors through a bincim_vector_pipe whose tiles are ready now and then, against a queue of those that passed.
`default_nettype none

module bench_vector_pipe #(
    parameter Latency = 2,
    parameter State = 0,
    parameter Plane = 0,
    parameter Seed = 1
);
  localparam PLANE = (Plane > 0) ? Plane : 1;
  localparam PAST = 64;

  reg clk = 1'b0;
  reg rst_n = 1'b0;
  reg issue_valid = 1'b0;
  reg [7+PLANE:0] issue = 0;
  reg tile_ready = 1'b0;
  wire advance, tile_swap, door_valid, layer_drained, fetch_valid, fetch_block_last;
  wire count_valid, count_first, count_group_last, stored_valid, sum_valid, result_valid;
  wire result_window_last, result_row_last, result_group_last, layer_done;
  wire accumulated_valid, entry_valid, entry_group_last;
  wire [PLANE-1:0] count_plane;

  // Bits of a vector: tile, sum, sum, block, window, row, group, layer, plane.
  bincim_vector_pipe #(
      .Latency(Latency),
      .State(State),
      .Plane(Plane)
  ) dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .issue_valid_i(issue_valid),
      .tile_first_i(issue[0]),
      .plane_i(issue[8 +: PLANE]),
      .sum_first_i(issue[1]),
      .sum_last_i(issue[2]),
      .block_last_i(issue[3]),
      .window_last_i(issue[4]),
      .row_last_i(issue[5]),
      .group_last_i(issue[6]),
      .layer_last_i(issue[7]),
      .advance_o(advance),
      .tile_ready_i(tile_ready),
      .tile_swap_o(tile_swap),
      .door_valid_o(door_valid),
      .layer_drained_o(layer_drained),
      .fetch_valid_o(fetch_valid),
      .fetch_block_last_o(fetch_block_last),
      .count_valid_o(count_valid),
      .count_first_o(count_first),
      .count_group_last_o(count_group_last),
      .count_plane_o(count_plane),
      .stored_valid_o(stored_valid),
      .accumulated_valid_o(accumulated_valid),
      .entry_valid_o(entry_valid),
      .entry_group_last_o(entry_group_last),
      .sum_valid_o(sum_valid),
      .result_valid_o(result_valid),
      .result_window_last_o(result_window_last),
      .result_row_last_o(result_row_last),
      .result_group_last_o(result_group_last),
      .layer_done_o(layer_done)
  );

  // The vectors at the memory and at the door, and those of the cycles behind it: a valid bit above each.
  reg [8+PLANE:0] memory = 0;
  reg [8+PLANE:0] door = 0;
  reg [8+PLANE:0] past [0:PAST-1];
  reg goes;
  reg [8+PLANE:0] fetch, count, accumulated, entry, sum, result;
  integer random = Seed;
  integer cycle, i;

  task check(input wrong, input integer what);
    if (wrong !== 1'b0) $display("FAIL: %m cycle %0d: check %0d", cycle, what);
  endtask

  initial begin
    for (i = 0; i < PAST; i = i + 1) past[i] = 0;
    #1 clk = 1'b1;
    #1 clk = 1'b0;
    rst_n = 1'b1;
    for (cycle = 0; cycle < 2000; cycle = cycle + 1) begin
      issue_valid = ($random(random) & 3) != 0;
      for (i = 0; i < 8 + PLANE; i = i + 1) issue[i] = $random(random);
      tile_ready = $random(random);
      #1;
      goes = !(door[8+PLANE] & door[0]) | tile_ready;
      fetch = past[Latency-1];
      count = past[Latency];
      accumulated = past[Latency+1];
      entry = past[Latency+State];
      sum = past[Latency+State+1];
      result = past[Latency+State+2];
      check(advance ^ goes, 0);
      check(tile_swap ^ (door[8+PLANE] & door[0] & tile_ready), 1);
      check(door_valid ^ (door[8+PLANE] & goes), 2);
      check(door_valid & (layer_drained ^ door[7]) | !door_valid & layer_drained, 3);
      check(fetch_valid ^ fetch[8+PLANE], 4);
      check(fetch[8+PLANE] & (fetch_block_last ^ fetch[3]), 5);
      check(count_valid ^ count[8+PLANE], 6);
      if (count[8+PLANE]) check({count_first, count_group_last, count_plane} !== {count[1], count[6], count[8 +: PLANE]}, 7);
      check(stored_valid ^ accumulated[8+PLANE], 8);
      check(accumulated_valid ^ (accumulated[8+PLANE] & accumulated[2]), 13);
      check(entry_valid ^ entry[8+PLANE], 14);
      check(entry[8+PLANE] & (entry_group_last ^ entry[6]), 15);
      check(sum_valid ^ (sum[8+PLANE] & sum[2]), 9);
      check(result_valid ^ (result[8+PLANE] & result[2]), 10);
      if (result[8+PLANE]) begin
        check({result_window_last, result_row_last, result_group_last} !== {result[4], result[5], result[6]}, 11);
      end
      check(layer_done ^ (result[8+PLANE] & result[7]), 12);
      #1 clk = 1'b1;
      #1 clk = 1'b0;
      for (i = PAST - 1; i > 0; i = i - 1) past[i] = past[i-1];
      past[0] = {door[8+PLANE] & goes, door[7+PLANE:0]};
      if (goes) begin
        door = memory;
        memory = {issue_valid, issue};
      end
    end
    $display("DONE");
  end
endmodule

`default_nettype wire
