# The cocotb run, in ../rtl where the memory images lie; started by `make -C verif cocotb`.

TOPLEVEL_LANG := verilog
VERILOG_SOURCES := $(shell cat files.f) $(wildcard ../verif/cells/*.v)
COCOTB_TOPLEVEL := <: top :>
COCOTB_TEST_MODULES := test_bincim
COCOTB_RESULTS_FILE := ../build/cocotb.xml
SIM_BUILD := ../build/cocotb_$(SIM)
# cocotb 1.x knows the top and the tests by other names.
TOPLEVEL := $(COCOTB_TOPLEVEL)
MODULE := $(COCOTB_TEST_MODULES)
export COCOTB_RESULTS_FILE BINCIM_SEED
export PYTHONPATH := ../verif:$(PYTHONPATH)

ifeq ($(SIM),verilator)
EXTRA_ARGS += -Wno-fatal
ifeq ($(WAVES),1)
EXTRA_ARGS += --trace
endif
endif

include $(shell cocotb-config --makefiles)/Makefile.sim
