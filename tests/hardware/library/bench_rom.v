// Random reads of a bincim_rom against its image.
`default_nettype none

module bench_rom #(
    parameter Width = 8,
    parameter Depth = 16,
    parameter Style = "auto",
    parameter InitFile = "",
    parameter Seed = 1
);
  localparam ADDRESS = (Depth > 1) ? $clog2(Depth) : 1;

  reg clk = 1'b0;
  reg read = 1'b0;
  reg [ADDRESS-1:0] address = {ADDRESS{1'b0}};
  wire [Width-1:0] data;

  bincim_rom #(
      .Width(Width),
      .Depth(Depth),
      .Style(Style),
      .InitFile(InitFile)
  ) dut (
      .clk_i(clk),
      .read_i(read),
      .address_i(address),
      .data_o(data)
  );

  reg [Width-1:0] words [0:Depth-1];
  reg [Width-1:0] expected;
  integer random = Seed;
  integer step;

  initial begin
    $readmemh(InitFile, words);
    expected = {Width{1'bx}};
    for (step = 0; step < 2 * Depth + 100; step = step + 1) begin
      address = (step < Depth) ? step : $unsigned($random(random)) % Depth;
      read = (step < Depth) ? 1'b1 : $random(random);
      if (read) expected = words[address];
      #1 clk = 1'b1;
      #1 if (data !== expected || ^data === 1'bx) $display("FAIL: %m step %0d: %h, not %h", step, data, expected);
      clk = 1'b0;
    end
    $display("DONE");
  end
endmodule

`default_nettype wire
