# cocotb run, from the folder above; started by `make -C verif cocotb`.

TOPLEVEL_LANG := verilog
VERILOG_SOURCES := $(addprefix $(PWD)/,$(shell cat files.f))
COCOTB_TOPLEVEL := bincim_top
COCOTB_TEST_MODULES := test_bincim
export TOPLEVEL := $(COCOTB_TOPLEVEL)
export MODULE := $(COCOTB_TEST_MODULES)
export COCOTB_RESULTS_FILE := $(PWD)/build/cocotb/results.xml
export PYTHONPATH := $(PWD)/verif:$(PYTHONPATH)
export BINCIM_SEED
SIM_BUILD := $(PWD)/build/cocotb/$(SIM)

ifeq ($(SIM),verilator)
EXTRA_ARGS += -Wno-fatal --public-flat-rw
endif

include $(shell cocotb-config --makefiles)/Makefile.sim
