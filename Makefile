# mtq: one Makefile, no recursion.
#
#	make			build everything into build/
#	make demo		two mtq on loopback, real messages, explained as it goes
#	make check		every test; CI runs this
#	make bench		mtq and Postfix side by side
#	make fuzz sim layers lint manual install
#
# `make deps` installs what is needed by apt and does nothing when it is there.

VERSION := $(shell cat VERSION)
BUILD ?= build
CC ?= gcc
PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec/mtq
SYSCONFDIR ?= /etc/mtq
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system

WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wformat=2 -Werror=format-security -Wvla \
	-Wundef -Wpointer-arith -Wcast-align -Wwrite-strings
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-D_FORTIFY_SOURCE=2 -ftrivial-auto-var-init=zero
CFLAGS ?= -O2 -g
WERROR ?= -Werror
override CFLAGS += -std=c11 $(WARN) $(WERROR) -fno-common
override CPPFLAGS += -D_GNU_SOURCE -I. -DMTQ_VERSION='"$(VERSION)"' \
	-DMTQ_LIBEXECDIR='"$(LIBEXECDIR)"' -DMTQ_SYSCONFDIR='"$(SYSCONFDIR)"'
# The sanitizers bring their own; make HARDENED= switches ours off.
HARDENED ?= $(HARDEN)
override CFLAGS += $(HARDENED)
override LDFLAGS += -Wl,--as-needed -Wl,-z,relro,-z,now -pie
override CFLAGS += -fPIE
SANITIZE ?=
override CFLAGS += $(SANITIZE)
override LDFLAGS += $(SANITIZE)

# Bottom up: a file includes only names above its own (make layers).
DAEMON := base err bytes now conf settings settings_print log loop wire jail \
	notify role child mtqd
QUEUE := status address record store ledger verify retry route plan job \
	control session committer submit claims orders dispatch receiver \
	scheduler
DELIVERY := reply body dialogue dns resolve maildir connection pool worker
ADMIN := command show queue_read manual

# main() of each program; the rest goes into one archive a folder, from which
# the linker takes only what the role needs.
PROGRAMS := mtqd mtq-receiver mtq-scheduler mtq-worker mtq
MAIN_mtqd := daemon/mtqd
MAIN_mtq-receiver := queue/receiver
MAIN_mtq-scheduler := queue/scheduler
MAIN_mtq-worker := delivery/worker
MAIN_mtq := admin/mtq
LIBS_mtqd := -luv
LIBS_mtq-receiver := -luv -llmdb -lpthread
LIBS_mtq-scheduler := -luv -llmdb
LIBS_mtq-worker := -luv -llmdb -lunbound -lpthread
LIBS_mtq := -luv -llmdb -ljansson -lsmartcols
LIBS_ALL := -luv -llmdb -lunbound -ljansson -lsmartcols -lpthread -lm

COMMANDS := $(sort $(patsubst %.c,%,$(wildcard admin/cmd_*.c)))
MAINS := $(foreach p,$(PROGRAMS),$(MAIN_$(p)))
DAEMON_FILES := $(filter-out $(MAINS),$(DAEMON:%=daemon/%))
QUEUE_FILES := $(filter-out $(MAINS),$(QUEUE:%=queue/%))
DELIVERY_FILES := $(filter-out $(MAINS),$(DELIVERY:%=delivery/%))
ADMIN_FILES := $(filter-out $(MAINS),$(ADMIN:%=admin/%)) $(COMMANDS)
have = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1:%=%.c)))

ARCHIVES := $(BUILD)/libadmin.a $(BUILD)/libdelivery.a $(BUILD)/libqueue.a \
	$(BUILD)/libdaemon.a

all: $(PROGRAMS:%=$(BUILD)/%)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libdaemon.a: $(call have,$(DAEMON_FILES))
$(BUILD)/libqueue.a: $(call have,$(QUEUE_FILES))
$(BUILD)/libdelivery.a: $(call have,$(DELIVERY_FILES))
$(BUILD)/libadmin.a: $(call have,$(ADMIN_FILES))
$(BUILD)/lib%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

define program
$(BUILD)/$(1): $(BUILD)/$(MAIN_$(1)).o $(ARCHIVES)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIBS_$(1))
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

# One test program per file under test: tests/queue/retry.c tests queue/retry.
UNIT := $(patsubst %.c,$(BUILD)/%.test,$(sort $(wildcard tests/daemon/*.c \
	tests/queue/*.c tests/delivery/*.c tests/admin/*.c)))
$(BUILD)/tests/%.test: $(BUILD)/tests/%.o $(ARCHIVES)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ALL) -lcmocka

unit: $(UNIT)
	@for t in $(UNIT); do timeout 120 $$t 2>&1 | tail -n 1 | \
		sed "s|^|$${t##*/tests/}: |"; \
		timeout 120 $$t >/dev/null 2>$$t.log || { cat $$t.log; exit 1; }; done

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean:
	rm -rf $(BUILD)

.PHONY: all unit clean
.SECONDARY:
