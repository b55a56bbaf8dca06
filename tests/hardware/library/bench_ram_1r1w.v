// Random writes and reads of a bincim_ram_1r1w against an array of its words. No read meets a write of its word.
`default_nettype none

module bench_ram_1r1w #(
    parameter Width = 8,
    parameter Depth = 16,
    parameter Parts = 1,
    parameter Style = "auto",
    parameter Seed = 1
);
  localparam ADDRESS = (Depth > 1) ? $clog2(Depth) : 1;
  localparam PART = Width / Parts;

  reg clk = 1'b0;
  reg [Parts-1:0] write = {Parts{1'b0}};
  reg [ADDRESS-1:0] write_address = {ADDRESS{1'b0}};
  reg [Width-1:0] write_data;
  reg read = 1'b0;
  reg [ADDRESS-1:0] read_address = {ADDRESS{1'b0}};
  wire [Width-1:0] read_data;

  bincim_ram_1r1w #(
      .Width(Width),
      .Depth(Depth),
      .Parts(Parts),
      .Style(Style)
  ) dut (
      .clk_i(clk),
      .write_i(write),
      .write_address_i(write_address),
      .write_data_i(write_data),
      .read_i(read),
      .read_address_i(read_address),
      .read_data_o(read_data)
  );

  reg [Width-1:0] words [0:Depth-1];
  reg [Width-1:0] expected;
  integer random = Seed;
  integer step, part, checked;

  initial begin
    checked = 0;
    expected = {Width{1'bx}};
    for (step = 0; step < 4 * Depth + 400; step = step + 1) begin
      for (part = 0; part < Width; part = part + 1) write_data[part] = $random(random);
      // Every word is written once, whole, before any is read.
      if (step < Depth) begin
        write = {Parts{1'b1}};
        write_address = step;
        read = 1'b0;
      end else begin
        for (part = 0; part < Parts; part = part + 1) write[part] = $random(random);
        write_address = $unsigned($random(random)) % Depth;
        read_address = $unsigned($random(random)) % Depth;
        read = $random(random);
        if (read && read_address == write_address) write = {Parts{1'b0}};
      end
      if (read) expected = words[read_address];
      for (part = 0; part < Parts; part = part + 1) begin
        if (write[part]) words[write_address][part*PART +: PART] = write_data[part*PART +: PART];
      end
      #1 clk = 1'b1;
      #1 if (read_data !== expected) $display("FAIL: %m step %0d: %h, not %h", step, read_data, expected);
      if (read) checked = checked + 1;
      clk = 1'b0;
    end
    if (checked > 100) $display("DONE");
    else $display("FAIL: %m checked %0d reads", checked);
  end
endmodule

`default_nettype wire
