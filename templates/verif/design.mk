# <: description :>: <: targets :>

# A tool that is not on the PATH is asked of bincim, which knows its own copies: BINCIM=/path/to/bincim.
BINCIM ?= bincim
tool = $(or $(shell command -v $(1) 2>/dev/null),$(shell "$(BINCIM)" tools $(1) 2>/dev/null),$(1))
YOSYS ?= $(call tool,yosys)
VERILATOR ?= $(call tool,verilator)
IVERILOG ?= $(call tool,iverilog)
export BINCIM
# Relative, for make has no quotes for a path with spaces.
BUILD := build
RTL := $(shell cat rtl/files.f)
# Models of device cells, for simulation and lint only; synthesis takes the device's own.
CELLS := $(patsubst %,../%,$(wildcard verif/cells/*.v))
# The tree's specification in the place of the tree, as long simulations of large arrays have it.
MODEL := $(patsubst %,../%,$(wildcard verif/model/*.v))
BOARD := $(patsubst %,../%,$(wildcard board/*.v))
BOARD_TOP := $(basename $(notdir $(wildcard board/*_top.v)))
WAIVERS := $(notdir $(wildcard rtl/*.vlt))
LIBRARY := $(if $(CELLS),read_verilog -lib $(CELLS); )

//%- if loadable %//

.PHONY: help lint synth clean
//%- else %//

.PHONY: help lint sim cocotb synth clean
//%- endif %//
help:
	@echo "make lint    Verilator -Wall, Icarus -Wall and Yosys check the Verilog"
//%- if !loadable %//
	@echo "make sim     self-checking bench in Icarus; SEED=n WAVES=1"
	@echo "make cocotb  the Python bench; SIM=icarus or verilator"
//%- endif %//
	@echo "make synth   cells of a generic synthesis; for a device: bincim synth . --device NAME"

lint:
	@mkdir -p $(BUILD)
	cd rtl && "$(VERILATOR)" --lint-only -Wall --top-module <: top :> $(WAIVERS) $(RTL) $(CELLS)
	cd rtl && "$(IVERILOG)" -g2005 -Wall -s <: top :> -o /dev/null $(RTL) $(CELLS)
ifneq ($(MODEL),)
	cd rtl && "$(VERILATOR)" --lint-only -Wall --top-module <: top :> $(WAIVERS) $(filter-out <: tree :>_%,$(RTL)) $(MODEL)
	cd rtl && "$(IVERILOG)" -g2005 -Wall -s <: top :> -o /dev/null $(filter-out <: tree :>_%,$(RTL)) $(MODEL)
endif
ifneq ($(BOARD_TOP),)
	cd rtl && "$(VERILATOR)" --lint-only -Wall --top-module $(BOARD_TOP) $(WAIVERS) $(RTL) $(BOARD) $(CELLS)
	cd rtl && "$(IVERILOG)" -g2005 -Wall -s $(BOARD_TOP) -o /dev/null $(RTL) $(BOARD) $(CELLS)
endif
	cd rtl && "$(YOSYS)" -q -p "$(LIBRARY)read_verilog $(RTL); hierarchy -check -top <: top :>; proc; check -assert"
//%- if !loadable %//

sim cocotb:
	$(MAKE) -C verif $@
//%- endif %//

synth:
	@mkdir -p $(BUILD)
	cd rtl && "$(YOSYS)" -q -l ../$(BUILD)/synth.log -p "$(LIBRARY)read_verilog $(RTL); synth -top <: top :> -flatten; tee -o ../$(BUILD)/cells.txt stat"
	@cat $(BUILD)/cells.txt

clean:
	rm -rf $(BUILD)
