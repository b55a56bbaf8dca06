//! Counts, scripts and logs, without a run of Yosys.

use super::*;

/// Recorded from Yosys 0.23, shortened.
const STAT_23: &str = r#"{
   "creator": "Yosys 0.23 (git sha1 7ce5011c24b)",
   "invocation": "stat -json ",
   "modules": {
      "\\top": {
         "num_wires":         26,
         "num_cells":         70,
         "num_cells_by_type": {
            "SB_CARRY": 22,
            "SB_DFF": 24,
            "SB_LUT4": 24
         }
      }
   },
      "design": {
         "num_cells":         70,
         "num_cells_by_type": { "SB_CARRY": 22 }
      }
}

"#;

#[test]
fn recorded_statistics_are_read() {
    let cells = parse_stat(STAT_23, "top").unwrap();
    assert_eq!(
        resources(Family::Ice40, &cells),
        Ok(Resources { luts: 24, carries: 22, ffs: 24, ..Resources::default() })
    );
    assert_eq!(parse_stat(STAT_23, "other").unwrap_err(), "no module `other` in it");
    assert_eq!(parse_stat("", "top").unwrap_err(), "no JSON object in it");
    assert!(parse_stat(&STAT_23[..200], "top").is_err());
}

#[test]
fn comments_that_were_obeyed_are_found() {
    // Recorded from Yosys 0.23 and 0.70, shortened.
    let log = "2. Executing Verilog-2005 frontend: a.v\n\
                   Warning: Found one of those horrible `(synopsys|synthesis) translate_off' comments.\n\
                   Warning: Encountered `full_case' comment! Such legacy hot comments are supported by Yosys\n\
                   Warning: Replacing memory \\m with list of registers.\n";
    let found = obeyed_comments(log);
    assert!(found.len() == 2 && found[0].contains("translate_off") && found[1].contains("full_case"));
}

fn count(family: Family, cells: &[(&str, u64)]) -> Resources {
    resources(family, &cells.iter().map(|(name, n)| (name.to_string(), *n)).collect()).unwrap()
}

/// Recorded from Yosys 0.70, shortened: two levels of modules, one with parameters.
const HIERARCHY: &str = r#"{
   "modules": {
      "$paramod\\leaf\\W=8": { "num_cells_by_type": { "CARRY4": 2, "FDRE": 8, "LUT3": 8 } },
      "\\middle": { "num_cells_by_type": { "LUT6": 1, "$paramod\\leaf\\W=8": 3 } },
      "\\BUFG": { "num_cells_by_type": {} },
      "$paramod\\wires\\W=1": { "num_cells_by_type": {} },
      "\\top": { "num_cells_by_type": { "BUFG": 1, "INV": 8, "middle": 2, "$paramod\\wires\\W=1": 1 },
                "num_submodules_by_type": { "middle": 2 } }
   }
}"#;

#[test]
fn every_module_below_the_top_counts() {
    let cells = parse_stat(HIERARCHY, "top").unwrap();
    assert_eq!(
        resources(Family::Xilinx, &cells),
        Ok(Resources { luts: 6 * 8 + 2, carries: 12, ffs: 48, ..Resources::default() })
    );
    assert!(!cells.contains_key("middle") && cells["BUFG"] == 1);
    assert!(!cells.keys().any(|name| name.contains("wires")), "{cells:?}");
    let itself = HIERARCHY.replace("\"LUT6\": 1", "\"middle\": 1");
    assert!(parse_stat(&itself, "top").unwrap_err().contains("inside itself"));
    // Instances in the list of their own alone.
    let apart = HIERARCHY.replace("\"INV\": 8, \"middle\": 2", "\"INV\": 8");
    assert_eq!(parse_stat(&apart, "top").unwrap(), cells);
}

#[test]
fn a_figure_that_cannot_be_stops_the_run() {
    let cells = |names: &[&str]| names.iter().map(|name| (name.to_string(), 2)).collect();
    let unknown = resources(Family::Ecp5, &cells(&["LUT4", "NEW_CELL", "$mem"])).unwrap_err();
    assert!(unknown.contains("2 x `NEW_CELL`") && unknown.contains("`$mem`"), "{unknown}");
    assert!(resources(Family::Gowin, &cells(&["IBUF"])).unwrap_err().contains("neither"));
}

#[test]
fn every_family_is_counted_by_what_cells_occupy() {
    let ecp5 = count(
        Family::Ecp5,
        &[("LUT4", 10), ("CCU2C", 3), ("TRELLIS_DPR16X4", 1), ("TRELLIS_FF", 7), ("DP16KD", 2)],
    );
    assert_eq!(ecp5, Resources { luts: 20, carries: 3, ffs: 7, brams: 2, ..Resources::default() });
    let gowin = count(
        Family::Gowin,
        &[
            ("LUT2", 1),
            ("LUT4", 1),
            ("ALU", 5),
            ("RAM16SDP4", 2),
            ("DFFCE", 4),
            ("SDPB", 1),
            ("MUX2_LUT5", 9),
        ],
    );
    assert_eq!(gowin, Resources { luts: 23, carries: 5, ffs: 4, brams: 1, ..Resources::default() });
    let xilinx =
        count(Family::Xilinx, &[("LUT6", 8), ("RAMB18E1", 3), ("RAMB36E1", 1), ("FDCE", 2), ("CARRY4", 1)]);
    assert_eq!(xilinx, Resources { luts: 8, carries: 1, ffs: 2, brams: 3, ..Resources::default() });
    let ice =
        count(Family::Ice40, &[("SB_DFFER", 3), ("SB_RAM40_4KNR", 2), ("SB_SPRAM256KA", 4), ("SB_MAC16", 1)]);
    assert_eq!(ice, Resources { ffs: 3, brams: 2, sprams: 4, dsps: 1, ..Resources::default() });
}

#[test]
fn the_script_quotes_and_refuses() {
    let job = |top| Synthesis {
        family: Family::Ecp5,
        synth_args: &[],
        files: &[],
        top,
        cwd: Path::new("."),
        out: Path::new("."),
        limit: None,
    };
    let (net, stat) = (Path::new("n.json"), Path::new("s.json"));
    let text = script(&job("top"), &[PathBuf::from("a b.v")], net, stat).unwrap();
    assert!(text.contains("read_verilog -sv \"a b.v\"\n"));
    assert!(text.contains("synth_ecp5 -abc9 -nowidelut -top top\n"));
    assert!(!text.contains("keep_hierarchy"));
    let drawn = script(&job("top"), &[PathBuf::from("rtl/bincim_flip_step.v")], net, stat).unwrap();
    let places =
        ["keep_hierarchy 1 *bincim_flip_step*", "synth_ecp5", "-unset keep_hierarchy", "\nflatten\n"];
    assert!(places.map(|text| drawn.find(text).expect(text)).is_sorted(), "{drawn}");
    assert!(matches!(script(&job("top; shell"), &[], net, stat), Err(FlowError::BadName { .. })));
    let blank = script(&job("top"), &[], net, Path::new("a b/s.json"));
    assert!(matches!(blank, Err(FlowError::BadName { .. })));
    let quote = script(&job("top"), &[PathBuf::from("a\".v")], net, stat);
    assert!(matches!(quote, Err(FlowError::BadName { .. })));
}
