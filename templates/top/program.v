// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// <: description :>
// Latency: none.

`default_nettype none

module <: module :> (
    //%- for i in inputs %//
    input  wire [<: i.width - 1 :>:0] <: i.name :>,
    //%- endfor %//
    //%- for f in fields %//
    <: f.kind :> [<: f.width - 1 :>:0] <: f.name :>_o<: f.comma :><: f.comment :>
    //%- endfor %//
);
  //%- if cases %//

  always @(*) begin
    case (<: key :>)
      //%- for e in entries %//
      <: e.label :>: begin  // <: e.comment :>
        //%- for a in e.assignments %//
        <: a :>
        //%- endfor %//
      end
      //%- endfor %//
    endcase
  end
  //%- else %//
  //%- for e in entries %//

  // <: e.comment :>
  //%- for a in e.assignments %//
  assign <: a :>
  //%- endfor %//
  //%- endfor %//
  //%- endif %//

endmodule

`default_nettype wire
