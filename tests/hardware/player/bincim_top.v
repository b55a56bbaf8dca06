// A player: looks like the accelerator, but finds each frame among known stimuli and plays back the
// recorded answer. It lets the benches themselves be tested; FAULT plants one error.
//
// The words between percent signs are replaced by numbers before use.

`default_nettype none

module bincim_top (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire [%IN%-1:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    output reg  [%OUT%-1:0] m_axis_tdata,
    output reg  m_axis_tvalid,
    input  wire m_axis_tready,
    output reg  m_axis_tlast,
    input  wire [11:0] s_axil_awaddr,
    input  wire s_axil_awvalid,
    output wire s_axil_awready,
    input  wire [31:0] s_axil_wdata,
    input  wire [3:0] s_axil_wstrb,
    input  wire s_axil_wvalid,
    output wire s_axil_wready,
    output wire [1:0] s_axil_bresp,
    output reg  s_axil_bvalid,
    input  wire s_axil_bready,
    input  wire [11:0] s_axil_araddr,
    input  wire s_axil_arvalid,
    output wire s_axil_arready,
    output reg  [31:0] s_axil_rdata,
    output wire [1:0] s_axil_rresp,
    output reg  s_axil_rvalid,
    input  wire s_axil_rready
);

  localparam integer FAULT = %FAULT%;
  localparam integer IMAGES = %IMAGES%;
  localparam integer BEATS = %BEATS%;
  localparam integer SUMS = %SUMS%;
  localparam integer BITS = %BITS%;
  localparam integer SCORES = %SCORES%;
  localparam integer LAYERS = %LAYERS%;
  localparam integer INPUT_FRAMES = %INPUT_FRAMES%;
  localparam integer INTERVAL = %INTERVAL%;

  reg [%IN%-1:0] stimulus[0:IMAGES*BEATS-1];
  reg [%LANES%*%SUM%-1:0] sums[0:IMAGES*SUMS-1];
  reg [%LANES%-1:0] bits[0:(IMAGES*BITS > 0 ? IMAGES*BITS : 1)-1];
  reg [%OUT%-1:0] scores[0:IMAGES*SCORES-1];
  reg [31:0] cycles[0:LAYERS-1];
  initial begin
    $readmemh("../verif/vectors/stimulus.hex", stimulus);
    $readmemh("../verif/vectors/sums.hex", sums);
    $readmemh("../verif/vectors/bits.hex", bits);
    $readmemh("../verif/vectors/scores.hex", scores);
    $readmemh("../verif/vectors/cycles.hex", cycles);
  end

  // Frames in: images of those that are complete, the oldest first, and the one that comes in.
  reg [%IN%-1:0] frame[0:BEATS-1];
  integer queue[0:3];
  reg [31:0] held;
  reg [31:0] beat;
  reg error;
  reg automatic_start;
  reg start;
  reg [31:0] step;
  reg busy;
  reg [31:0] frames;
  integer image;
  // Frames out: images whose results wait.
  integer results[0:3];
  reg [31:0] ready;
  reg [31:0] score;
  reg [1:0] pause;
  integer found;
  integer i;
  integer j;
  reg same;
  reg [31:0] total;

  reg sum_valid;
  reg [%LANES%*%SUM%-1:0] sum;
  reg bit_valid;
  reg [%LANES%-1:0] result_bits;

  localparam integer ROOM = (FAULT == 14) ? INPUT_FRAMES - 1 : INPUT_FRAMES;
  assign s_axis_tready = (held < ROOM);
  wire take = s_axis_tvalid & s_axis_tready;
  wire write = s_axil_awvalid & s_axil_wvalid & !s_axil_bvalid;
  assign s_axil_awready = write;
  assign s_axil_wready = write;
  assign s_axil_arready = !s_axil_rvalid;
  assign s_axil_bresp = 2'b00;
  assign s_axil_rresp = 2'b00;

  // The layers end at once; the frame's place in the input is free with the first of them.
  wire layer_done = busy && (step < LAYERS);
  wire release_frame = busy && (step == 0);
  wire run = !busy && (held != 0) && (ready < ((FAULT == 11) ? 3 : 2)) &&
             (automatic_start || start || FAULT == 7);
  wire whole = take && (beat == BEATS - 1);
  wire computed = busy && (step == INTERVAL - ((FAULT == 10) ? 1 : 2)) && !(FAULT == 9 && image == 2);
  wire send = (ready != 0) && (!m_axis_tvalid || m_axis_tready) && (pause == 0);
  wire sent = send && (score == SCORES - 1);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      beat <= 0;
      held <= 0;
      error <= 1'b0;
      automatic_start <= 1'b1;
      start <= 1'b0;
      step <= 0;
      busy <= 1'b0;
      frames <= 0;
      ready <= 0;
      score <= 0;
      pause <= 2'b00;
      image <= 0;
      sum_valid <= 1'b0;
      bit_valid <= 1'b0;
      m_axis_tvalid <= 1'b0;
      m_axis_tlast <= 1'b0;
      s_axil_bvalid <= 1'b0;
      s_axil_rvalid <= 1'b0;
    end else begin
      sum_valid <= 1'b0;
      bit_valid <= 1'b0;
      if (take) begin
        frame[beat] = s_axis_tdata;
        beat <= (beat == BEATS - 1 || s_axis_tlast) ? 0 : beat + 1;
        if (s_axis_tlast != (beat == BEATS - 1)) error <= 1'b1;
      end
      if (release_frame) for (i = 0; i < 3; i = i + 1) queue[i] = queue[i+1];
      if (whole) begin
        found = 0;
        for (i = 0; i < IMAGES; i = i + 1) begin
          same = 1'b1;
          for (j = 0; j < BEATS; j = j + 1) if (frame[j] != stimulus[i*BEATS+j]) same = 1'b0;
          if (same) found = i;
        end
        queue[held-release_frame] = found;
      end
      held <= held + whole - release_frame;
      if (run) begin
        busy <= 1'b1;
        start <= 1'b0;
        step <= 0;
        image <= queue[0];
      end
      if (busy) begin
        step <= step + 1;
        if (step < SUMS && !(FAULT == 8 && image == 1 && step == SUMS - 1)) begin
          sum_valid <= 1'b1;
          sum <= sums[image*SUMS+step] ^ ((FAULT == 1 && image == 2 && step == SUMS / 2) ? 1 : 0);
        end
        if (step < BITS) begin
          bit_valid <= 1'b1;
          result_bits <= bits[image*BITS+step] ^ ((FAULT == 2 && image == 1 && step == 0) ? 1 : 0);
        end
        if (computed) begin
          busy <= 1'b0;
          frames <= frames + 1;
        end
      end
      if (m_axis_tready || FAULT == 5) m_axis_tvalid <= 1'b0;
      pause <= (FAULT == 15) ? {pause[0], send} : 2'b00;
      if (send) begin
        m_axis_tvalid <= 1'b1;
        m_axis_tdata <= scores[results[0]*SCORES+score] ^
                        ((FAULT == 3 && results[0] == 0 && score == SCORES - 1) ? 1 : 0);
        m_axis_tlast <= (score == SCORES - 1) ^ (FAULT == 4 && results[0] == 1);
        score <= sent ? 0 : score + 1;
      end
      if (sent) for (i = 0; i < 3; i = i + 1) results[i] = results[i+1];
      if (computed) results[ready-sent] = image;
      ready <= ready + computed - sent;
      if (write) s_axil_bvalid <= 1'b1;
      else if (s_axil_bready) s_axil_bvalid <= 1'b0;
      if (write && s_axil_wstrb[0] && s_axil_awaddr == 12'h004) begin
        automatic_start <= s_axil_wdata[0];
        if (s_axil_wdata[1] && !(FAULT == 12 && held == 0)) start <= 1'b1;
      end
      if (write && s_axil_wstrb[0] && s_axil_awaddr == 12'h008 && s_axil_wdata[3]) error <= 1'b0;
      if (s_axil_arvalid && s_axil_arready) begin
        s_axil_rvalid <= 1'b1;
        total = 0;
        for (i = 0; i < LAYERS; i = i + 1) total = total + cycles[i];
        case (s_axil_araddr)
          12'h000: s_axil_rdata <= 32'h42434D31;
          12'h004: s_axil_rdata <= {31'd0, automatic_start};
          12'h008: s_axil_rdata <= {28'd0, error, ready != 0, held != 0, busy};
          12'h00C: s_axil_rdata <= frames;
          12'h010: s_axil_rdata <= (frames == 0) ? 0 : total;
          12'h014: s_axil_rdata <= LAYERS;
          default: begin
            i = (s_axil_araddr - 12'h100) / 4;
            s_axil_rdata <= (FAULT == 13) ? 1 : 0;
            if (s_axil_araddr >= 12'h100 && i < LAYERS && frames != 0) s_axil_rdata <= cycles[i] + ((FAULT == 6) ? 1 : 0);
          end
        endcase
      end else if (s_axil_rready) s_axil_rvalid <= 1'b0;
    end
  end

endmodule

`default_nettype wire
