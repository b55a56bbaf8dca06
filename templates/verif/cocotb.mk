# The cocotb run, in ../rtl where the memory images lie; started by `make -C verif cocotb`.

TOPLEVEL_LANG := verilog
ROOT := $(abspath ..)
VERILOG_SOURCES := $(addprefix $(ROOT)/rtl/,$(shell cat files.f)) $(wildcard $(ROOT)/verif/cells/*.v)
COCOTB_TOPLEVEL := bincim_top
COCOTB_TEST_MODULES := test_bincim
COCOTB_RESULTS_FILE := $(ROOT)/build/cocotb.xml
SIM_BUILD := $(ROOT)/build/cocotb_$(SIM)
# cocotb 1.x knows the top and the tests by other names.
TOPLEVEL := $(COCOTB_TOPLEVEL)
MODULE := $(COCOTB_TEST_MODULES)
export COCOTB_RESULTS_FILE BINCIM_SEED
export PYTHONPATH := $(ROOT)/verif:$(PYTHONPATH)

ifeq ($(SIM),verilator)
EXTRA_ARGS += -Wno-fatal
ifeq ($(WAVES),1)
EXTRA_ARGS += --trace
endif
endif

include $(shell cocotb-config --makefiles)/Makefile.sim
