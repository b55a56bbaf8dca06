// Random writes and reads of a bincim_map_memory against its words: every bank has an address of its own to read, and
// one to write where WritePorts is Banks; all planes of bits of a word go together. No read meets a write of its word.
`default_nettype none

module bench_map_memory #(
    parameter Banks = 2,
    parameter Word = 8,
    parameter Depth = 16,
    parameter Bits = 1,
    parameter Parts = 1,
    parameter WritePorts = 1,
    parameter Style = "auto",
    parameter Seed = 1
);
  localparam ADDRESS = (Depth > 1) ? $clog2(Depth) : 1;
  localparam PART = Word / Parts;

  reg clk = 1'b0;
  reg read = 1'b0;
  reg [Banks*ADDRESS-1:0] read_address = {Banks*ADDRESS{1'b0}};
  wire [Bits*Banks*Word-1:0] read_data;
  reg [Banks*Parts-1:0] write = {Banks*Parts{1'b0}};
  reg [WritePorts*ADDRESS-1:0] write_address = {WritePorts*ADDRESS{1'b0}};
  reg [Bits*WritePorts*Word-1:0] write_data;

  bincim_map_memory #(
      .Banks(Banks),
      .Word(Word),
      .Depth(Depth),
      .Bits(Bits),
      .Parts(Parts),
      .WritePorts(WritePorts),
      .Style(Style)
  ) dut (
      .clk_i(clk),
      .read_i(read),
      .read_address_i(read_address),
      .read_data_o(read_data),
      .write_i(write),
      .write_address_i(write_address),
      .write_data_i(write_data)
  );

  // Words of bank 0, then those of bank 1, and so on; those of plane 1 behind all of plane 0.
  reg [Word-1:0] words [0:Bits*Banks*Depth-1];
  reg [Bits*Banks*Word-1:0] expected;
  integer random = Seed;
  integer step, i, plane, bank, port, at, from;

  initial begin
    expected = {Bits*Banks*Word{1'bx}};
    for (step = 0; step < 400 + Depth; step = step + 1) begin
      for (i = 0; i < Bits * WritePorts * Word; i = i + 1) write_data[i] = $random(random);
      for (i = 0; i < Banks * Parts; i = i + 1) write[i] = (step < Depth) ? 1'b1 : $random(random);
      for (i = 0; i < WritePorts; i = i + 1) begin
        write_address[i*ADDRESS +: ADDRESS] = (step < Depth) ? step : $unsigned($random(random)) % Depth;
      end
      for (i = 0; i < Banks; i = i + 1) begin
        read_address[i*ADDRESS +: ADDRESS] = $unsigned($random(random)) % Depth;
      end
      read = (step < Depth) ? 1'b0 : $random(random);
      for (bank = 0; bank < Banks; bank = bank + 1) begin
        port = (WritePorts == 1) ? 0 : bank;
        at = write_address[port*ADDRESS +: ADDRESS];
        from = read_address[bank*ADDRESS +: ADDRESS];
        if (read && at == from) write[bank*Parts +: Parts] = {Parts{1'b0}};
        for (plane = 0; plane < Bits; plane = plane + 1) begin
          if (read) expected[(plane*Banks+bank)*Word +: Word] = words[(plane*Banks+bank)*Depth + from];
          for (i = 0; i < Parts; i = i + 1) begin
            if (write[bank*Parts + i]) begin
              words[(plane*Banks+bank)*Depth + at][i*PART +: PART] =
                  write_data[(plane*WritePorts+port)*Word + i*PART +: PART];
            end
          end
        end
      end
      #1 clk = 1'b1;
      #1 if (read_data !== expected) $display("FAIL: %m step %0d: %h, not %h", step, read_data, expected);
      clk = 1'b0;
    end
    if (^expected === 1'bx) $display("FAIL: %m read nothing");
    $display("DONE");
  end
endmodule

`default_nettype wire
