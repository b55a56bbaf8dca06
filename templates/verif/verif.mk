# Benches of the accelerator: `make` runs the Verilog bench in Icarus, `make cocotb` the Python one in
# SIM=icarus or verilator. SEED=n draws other gaps, WAVES=1 keeps a waveform in build/.
# Simulations run in ../rtl, where the memory images lie. Paths are relative to this folder, in which make runs: it has
# no quotes for one with spaces.

SIM ?= icarus
SEED ?= 1
WAVES ?= 0
# A tool that is not on the PATH is asked of bincim, which knows its own copies: BINCIM=/path/to/bincim.
BINCIM ?= bincim
tool = $(or $(shell command -v $(1) 2>/dev/null),$(shell "$(BINCIM)" tools $(1) 2>/dev/null),$(1))
IVERILOG ?= $(call tool,iverilog)
VVP ?= $(call tool,vvp)
# Relative, so that the folder may stand in a path with a space.
RTL := $(addprefix ../rtl/,$(shell cat ../rtl/files.f))
CELLS := $(wildcard ../verif/cells/*.v)
BUILD := ../build

.PHONY: sim cocotb clean
sim: $(BUILD)/bincim_tb.vvp
	cd ../rtl && "$(VVP)" -N $< +seed=$(SEED) $(if $(filter 1,$(WAVES)),+waves=$(BUILD)/bincim_tb.vcd)

$(BUILD)/bincim_tb.vvp: $(RTL) $(CELLS) bincim_tb.v
	@mkdir -p $(BUILD)
	"$(IVERILOG)" -g2005 -Wall -s bincim_tb -o $@ $^

cocotb:
	@mkdir -p $(BUILD)
	$(MAKE) -C ../rtl -f ../verif/cocotb.mk SIM=$(SIM) WAVES=$(WAVES) BINCIM_SEED=$(SEED)
	@! grep -E '<(failure|error)' $(BUILD)/cocotb.xml

clean:
	rm -rf $(BUILD)
