# <: description :>: `make lint`, `make sim`, `make cocotb`, `make synth`.

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
WAIVERS := $(notdir $(wildcard rtl/*.vlt))

.PHONY: help lint sim cocotb synth clean
help:
	@echo "make lint    Verilator -Wall, Icarus -Wall and Yosys check the Verilog"
	@echo "make sim     self-checking bench in Icarus; SEED=n WAVES=1"
	@echo "make cocotb  the Python bench; SIM=icarus or verilator"
	@echo "make synth   cells of a generic synthesis; for a device: bincim synth . --device NAME"

lint:
	@mkdir -p build
	cd rtl && "$(VERILATOR)" --lint-only -Wall --top-module bincim_top $(WAIVERS) $(RTL)
	cd rtl && "$(IVERILOG)" -g2005 -Wall -s bincim_top -o /dev/null $(RTL)
	cd rtl && "$(YOSYS)" -q -p "read_verilog $(RTL); hierarchy -check -top bincim_top; proc; check -assert"

sim cocotb:
	$(MAKE) -C verif $@

synth:
	@mkdir -p $(BUILD)
	cd rtl && "$(YOSYS)" -q -l ../$(BUILD)/synth.log -p "read_verilog $(RTL); synth -top bincim_top -flatten; tee -o ../$(BUILD)/cells.txt stat"
	@cat $(BUILD)/cells.txt

clean:
	rm -rf $(BUILD)
