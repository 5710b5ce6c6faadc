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
ifneq (,$(findstring clang,$(CC))) # clang 14 has it as an experiment only
HARDEN := $(filter-out -ftrivial-auto-var-init=zero,$(HARDEN))
endif
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
DAEMON := base err bytes now zone arena file report scan inputs conf net netset values pattern pkey settings \
	settings_table settings_near archive_to routing_index way rule routing settings_types settings_archives settings_quotas settings_routes settings_sources settings_expects settings_replies settings_returns secret settings_dkim settings_auth settings_accounts settings_tls settings_certificates preset settings_networks profile settings_relays settings_doubts settings_check settings_load settings_print settings_manual mac base64 digest hostname token run log loop wire codec jail_filter jail_fence jail \
	notify roles_file role child x509 certificates dkim_keys dns anchor validator sockets supervisor supervisor_stop supervisor_secrets supervisor_files supervisor_reload mtqd
QUEUE := status confine wall category_table category address mailbox record field dkim_canon dkim_tags dkim_field dkim_key dkim_header dkim dsn dsn_words mime returned_words returned_fields returned_prose returned disk pages pages_tree env return_key return_path store store_open store_make \
	journal journal_read journal_reader journal_verify \
	ledger_row ledger_entry ledger ledger_copies ledger_settle ledger_body ledger_order retry lane choose quota names book_row book book_load book_turn \
	book_change book_flush book_set book_gate audit suppress suppress_table returned_store verify classify door door_header door_check rate fair archive plan destination job flight relays_now forecast_world forecast \
	control later allowance notice bounce room settle settle_judge claim give_up orders remarks recover expire forget sort dispatch dispatch_relay dispatch_judge dispatch_claim dispatch_step session_args accounts accounts_look sasl_server_line sasl_server sasl_known guess session_auth session_tls session_reply session_returned session_door session_dkim \
	session_mail session_header session_sort session_load session_data session_verb session_line \
	session session_presume sni peer_certificate tls_server gate peer_user submission drop_file committer crowd load client_returned client_commit client_ask client_sasl client_dkim client_load client_tls client clients listener maildrop receiver \
	scheduler
DELIVERY := reply judge dane idna sign sign_field sign_put sign_load identity certificate policy tls sasl_salted sasl sasl_choose sasl_talk ehlo task body signer dialogue dialogue_write dialogue_setup host resolve reference outlet \
	maildir connection connection_io connection_open egress patience pool pool_target confine_worker worker
ADMIN := account_file account_look account_password command utf8 human show verdict_words queue_filter queue_read queue_oldest order mailq compose sendmail manual \
	moment change entries entry_show trail trail_show history_find readers bounce_sums queue_steps fields fields_json suppress_form waits screen quota_row sentence relay_test_step relay_test_modes relay_test_dns \
	explain_step explain_type explain explain_way explain_after explain_print explain_message explain_door explain_door_print explain_dkim explain_client \
	relay_test_wire relay_test_secret relay_test_offer relay_test_tls relay_test_auth relay_test_mail relay_test_host relay_test_box relay_test_state relay_test

# main() of each program; the rest goes into one archive a folder, from which
# the linker takes only what the role needs.
PROGRAMS := mtqd mtq-receiver mtq-scheduler mtq-worker mtq
MAIN_mtqd := daemon/mtqd
MAIN_mtq-receiver := queue/receiver
MAIN_mtq-scheduler := queue/scheduler
MAIN_mtq-worker := delivery/worker
MAIN_mtq := admin/mtq
LIBS_mtqd := -luv -lgnutls
LIBS_mtq-receiver := -luv -llmdb -lunbound -lnettle -lpthread -lgnutls -lgsasl
LIBS_mtq-scheduler := -luv -llmdb -lnettle
LIBS_mtq-worker := -luv -llmdb -lunbound -lgnutls -lidn2 -lgsasl -lpthread
LIBS_mtq := -luv -llmdb -lnettle -ljansson -lsmartcols -lunbound -lgnutls -lidn2 -lgsasl -lpthread
LIBS_ALL := -luv -llmdb -lnettle -lunbound -lgnutls -lidn2 -lgsasl -ljansson -lsmartcols -lpthread -lm

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
	@printf '%s\n' $(UNIT) | xargs -P "$$(nproc)" -I{} sh -c ' \
		timeout 240 {} >{}.log 2>&1 || { cat {}.log; \
		echo "{} failed"; exit 255; }; \
		echo "{}: $$(tail -n 1 {}.log)"'

# --- what needs to be there -------------------------------------------------

DEB_BUILD := gcc make pkg-config liblmdb-dev libuv1-dev libunbound-dev \
	libjansson-dev libsmartcols-dev libgnutls28-dev libidn2-dev libgsasl-dev \
	nettle-dev
DEB_DEMO := swaks dns-root-data tzdata
DEB_CHECK := clang clang-format libclang-rt-14-dev llvm cppcheck libcmocka-dev mandoc \
	python3 python3-pytest python3-pytest-xdist python3-aiosmtpd python3-dkim python3-nacl opendkim-tools swaks strace procps iproute2 \
	libfaketime gnutls-bin gsasl nsd bind9-utils postfix \
	libmail-deliverystatus-bounceparser-perl libsisimai-perl
DEB := $(DEB_BUILD) $(DEB_DEMO) $(DEB_CHECK)

deps:
	@missing=; for p in $(DEB); do \
		dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null | \
		grep -qx installed || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] || { echo "apt installs:$$missing"; \
		echo postfix postfix/main_mailer_type select No configuration | \
		debconf-set-selections; \
		apt-get -q update >/dev/null && DEBIAN_FRONTEND=noninteractive \
		apt-get -qq install -y --no-install-recommends $$missing >/dev/null; }

# Servers for tests that can't be installed beside each other: unpacked only.
peers: deps
	@/usr/bin/python3 tests/system/peers.py

# --- for a person -----------------------------------------------------------

demo: deps
	@$(MAKE) --no-print-directory -s all
	@BUILD=$(BUILD) bash tests/demo.sh

bench: deps
	@$(MAKE) --no-print-directory -s all bench-tools
	/usr/bin/python3 tests/bench/bench.py --build $(BUILD)
	/usr/bin/python3 tests/bench/domains.py --build $(BUILD)
	/usr/bin/python3 tests/bench/intake.py --build $(BUILD)
	/usr/bin/python3 tests/bench/signatures.py --build $(BUILD)

manual: all
	$(BUILD)/mtq manual sample > etc/mtq.conf
	$(BUILD)/mtq manual keys > docs/man/mtq.conf.5

install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) \
		$(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(SYSCONFDIR) \
		$(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 \
		$(DESTDIR)$(UNITDIR) $(DESTDIR)$(PREFIX)/lib/sysusers.d \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	install $(BUILD)/mtqd $(DESTDIR)$(SBINDIR)
	install $(BUILD)/mtq $(DESTDIR)$(BINDIR)
	install -d $(DESTDIR)$(LIBEXECDIR)
	for n in sendmail mailq newaliases; do \
		ln -sf $(BINDIR)/mtq $(DESTDIR)$(LIBEXECDIR)/$$n; done
	install $(BUILD)/mtq-receiver $(BUILD)/mtq-scheduler \
		$(BUILD)/mtq-worker $(DESTDIR)$(LIBEXECDIR)
	install -m 644 etc/mtq.conf $(DESTDIR)$(SYSCONFDIR)/mtq.conf.sample
	install -d $(DESTDIR)$(SYSCONFDIR)/networks
	install -C -b -m 644 etc/networks/*.conf \
		$(DESTDIR)$(SYSCONFDIR)/networks
	install -d $(DESTDIR)$(PREFIX)/share/doc/mtq/examples
	install -m 644 etc/examples/*.conf \
		$(DESTDIR)$(PREFIX)/share/doc/mtq/examples
	install -d $(DESTDIR)$(PREFIX)/share/doc/mtq/fail2ban/filter.d \
		$(DESTDIR)$(PREFIX)/share/doc/mtq/fail2ban/jail.d
	install -m 644 etc/fail2ban/filter.d/mtq.conf \
		$(DESTDIR)$(PREFIX)/share/doc/mtq/fail2ban/filter.d
	install -m 644 etc/fail2ban/jail.d/mtq.conf.sample \
		$(DESTDIR)$(PREFIX)/share/doc/mtq/fail2ban/jail.d
	install -m 644 docs/man/*.5 $(DESTDIR)$(MANDIR)/man5
	install -m 644 docs/man/*.8 $(DESTDIR)$(MANDIR)/man8
	sed 's|/usr/sbin|$(SBINDIR)|' etc/mtq.service \
		> $(DESTDIR)$(UNITDIR)/mtq.service
	install -m 644 etc/mtq.sysusers \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d/mtq.conf
	install -m 644 etc/mtq.tmpfiles \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/mtq.conf

# --- proof ------------------------------------------------------------------

SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_SECONDS ?= 5
KILLS ?= 200
CAP_KILLS ?= 110
BOUNCE_KILLS ?= 48
CAP_SWEEP ?= 50
STATES ?= 20000

check: peers
	@bash tests/check.sh

layers:
	@/usr/bin/python3 tests/layers.py

SOURCES := $(wildcard daemon/*.[ch] queue/*.[ch] delivery/*.[ch] admin/*.[ch] \
	tests/*/*.[ch])
lint: layers
	@clang-format --dry-run --Werror $(SOURCES)
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability \
		--inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem \
		-D__cppcheck__ -I. -j2 daemon queue delivery admin
	@mandoc -Tlint -W warning docs/man/*.5 docs/man/*.8

FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ := build/fuzz
fuzz-build:
	@$(MAKE) --no-print-directory -s BUILD=$(FUZZ) CC=clang HARDENED= WERROR= \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' SANITIZE='$(SAN)' \
		$(FUZZERS:%=$(FUZZ)/%.fuzz)
$(BUILD)/%.fuzz: $(BUILD)/tests/fuzz/%.o $(ARCHIVES)
	$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS_ALL)
fuzz: fuzz-build
	@printf '%s\n' $(FUZZERS) | FUZZ=$(FUZZ) SECONDS_EACH=$(FUZZ_SECONDS) \
		xargs -P "$$(nproc)" -n 1 tests/fuzz/run.sh

# Crash states of the queue file: record, replay, compare (tests/crash).
CRASH := $(BUILD)/tests/crash
$(CRASH)/recorder.so: tests/crash/recorder.c tests/crash/record.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<
$(CRASH)/pair: $(CRASH)/pair.o $(BUILD)/libqueue.a $(BUILD)/libdaemon.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)
$(CRASH)/replay: $(CRASH)/replay.o $(CRASH)/look.o $(CRASH)/promises.o \
		$(BUILD)/libqueue.a $(BUILD)/libdaemon.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)
states-tools: $(CRASH)/recorder.so $(CRASH)/pair $(CRASH)/replay
states: all states-tools
	@/usr/bin/python3 tests/crash/recorder.py --build $(BUILD) \
		--states $(STATES)

# What parsers that are not ours read in our bounces (tests/dsn_parse.py).
$(BUILD)/tests/dsn/render: $(BUILD)/tests/dsn/render.o $(BUILD)/libqueue.a \
		$(BUILD)/libdaemon.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
reports: $(BUILD)/tests/dsn/render
	@/usr/bin/python3 tests/dsn_parse.py --build $(BUILD)

# What somebody could do who runs code in one of our processes.
$(BUILD)/escape: $(BUILD)/tests/system/escape.o $(ARCHIVES)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)

# What the door sees of a header is what Python's email sees (tests/header_parse.py).
$(BUILD)/tests/door/show: $(BUILD)/tests/door/show.o $(BUILD)/libqueue.a \
		$(BUILD)/libdaemon.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
headers: $(BUILD)/tests/door/show
	@/usr/bin/python3 tests/header_parse.py --build $(BUILD)

# The real processes (pytest), and their simulated world (one process).
system: all $(BUILD)/escape
	@BUILD=$(abspath $(BUILD)) timeout 1100 tests/system/run.sh

SEEDS ?= 60
$(BUILD)/sim: $(BUILD)/tests/sim/sim.o $(ARCHIVES)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)
YEARS ?= 100
$(BUILD)/years: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/sim/years*.c)) \
		$(ARCHIVES)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)
MONTHS ?= 60
$(BUILD)/months: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/sim/months*.c)) \
		$(ARCHIVES)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)
sim: $(BUILD)/sim $(BUILD)/years $(BUILD)/months
	@half=$$(($(SEEDS) / 2)); \
	timeout 280 $(BUILD)/sim $$half 1 & first=$$!; \
	timeout 280 $(BUILD)/sim $$(($(SEEDS) - half)) $$((half + 1)) && \
	wait $$first
	@timeout 400 $(BUILD)/years $(YEARS) 1 $$(nproc)
	@timeout 400 $(BUILD)/months $(MONTHS) 1 $$(nproc)

$(BUILD)/load $(BUILD)/sink: $(BUILD)/%: tests/bench/%.c tests/bench/tool.h \
		tests/bench/sink_tls.h tests/bench/load_tls.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(CFLAGS) $(LDFLAGS) -o $@ $< -lgnutls
bench-tools: $(BUILD)/load $(BUILD)/sink
bench-quick: all bench-tools
	@/usr/bin/python3 tests/bench/bench.py --build $(BUILD) --quick
	@/usr/bin/python3 tests/bench/domains.py --build $(BUILD) --quick

kill: all bench-tools
	@/usr/bin/python3 tests/crash/kill.py --build $(BUILD) --kills $(KILLS)
	@/usr/bin/python3 tests/crash/kill_caps.py --build $(BUILD) \
		--kills $(CAP_KILLS) --sweep $(CAP_SWEEP)
	@/usr/bin/python3 tests/crash/kill_bounce.py --build $(BUILD) \
		--kills $(BOUNCE_KILLS)

# Every promise has a build that breaks it and a test that must find out.
sabotage:
	@/usr/bin/python3 tests/crash/sabotage/sabotage.py

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)

clean:
	rm -rf $(BUILD)

.PHONY: peers headers reports states states-tools all unit clean deps demo bench manual install check layers lint fuzz \
	fuzz-build system sim bench-tools bench-quick kill sabotage
.SECONDARY:
