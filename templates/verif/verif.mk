# Benches of the accelerator: `make` runs the Verilog bench in Icarus, `make cocotb` the Python one in
# SIM=icarus or verilator. SEED=n draws other gaps, WAVES=1 keeps a waveform in build/.
# Simulations run in ../rtl, where the memory images lie.

SIM ?= icarus
SEED ?= 1
WAVES ?= 0
ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))..)
RTL := $(addprefix $(ROOT)/rtl/,$(shell cat $(ROOT)/rtl/files.f))
CELLS := $(wildcard $(ROOT)/verif/cells/*.v)
BUILD := $(ROOT)/build

.PHONY: sim cocotb clean
sim: $(BUILD)/bincim_tb.vvp
	cd $(ROOT)/rtl && vvp -N $< +seed=$(SEED) $(if $(filter 1,$(WAVES)),+waves=$(BUILD)/bincim_tb.vcd)

$(BUILD)/bincim_tb.vvp: $(RTL) $(CELLS) $(ROOT)/verif/bincim_tb.v
	@mkdir -p $(BUILD)
	iverilog -g2005 -Wall -s bincim_tb -o $@ $^

cocotb:
	@mkdir -p $(BUILD)
	$(MAKE) -C $(ROOT)/rtl -f $(ROOT)/verif/cocotb.mk SIM=$(SIM) WAVES=$(WAVES) BINCIM_SEED=$(SEED)
	@! grep -E '<(failure|error)' $(BUILD)/cocotb.xml

clean:
	rm -rf $(BUILD)
