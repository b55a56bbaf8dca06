// Random words turned by every amount, against their places.
`default_nettype none

module bench_rotate #(
    parameter Slots = 2,
    parameter Width = 1,
    parameter Up = 0,
    parameter Seed = 1
);
  localparam AMOUNT = $clog2(Slots);

  reg [Slots*Width-1:0] data;
  reg [AMOUNT-1:0] amount;
  wire [Slots*Width-1:0] turned;

  bincim_rotate #(
      .Slots(Slots),
      .Width(Width),
      .Up(Up)
  ) dut (
      .data_i(data),
      .amount_i(amount),
      .data_o(turned)
  );

  reg [Width-1:0] word;
  integer random = Seed;
  integer step, i, place;

  initial begin
    for (step = 0; step < 20 * Slots; step = step + 1) begin
      for (i = 0; i < Slots * Width; i = i + 1) data[i] = $random(random);
      amount = step % Slots;
      #1;
      for (i = 0; i < Slots; i = i + 1) begin
        // The word that comes out at place i.
        place = (Up != 0) ? (i + Slots - step % Slots) % Slots : (i + step) % Slots;
        word = data[place*Width +: Width];
        if (turned[i*Width +: Width] !== word) $display("FAIL: %m word %0d by %0d", i, amount);
      end
    end
    $display("DONE");
  end
endmodule

`default_nettype wire
