#!/bin/sh
# secops collector for Linux hosts. It only READS: no file is written, no setting changed, no connection
# to another machine opened. Root is not needed; what could not be read is marked. It lowers its own
# priority, bounds every search and takes a few seconds. Password hashes, keys and password-like values do
# not leave the host. Output: one text, described in docs/collector-pack.md. Usage:
#   sh collector.sh > host.pack                      sh collector.sh weak-passwords > host.pack
# "weak-passwords" compares the hashes with a short list, on this host; only with a written permission.

VERSION=1
LC_ALL=C; LANG=C; TZ=; PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
export LC_ALL LANG PATH; unset TZ CDPATH ENV; umask 077
STAT='%a %A %u %g %s %Y %n'
KEYWORDS='([Pp][Aa][Ss][Ss]([Ww][Oo]?[Rr]?[Dd])?|[Ss][Ee][Cc][Rr][Ee][Tt]|[Aa][Cc][Cc][Ee][Ss][Ss]_?[Kk][Ee][Yy]|[Aa][Pp][Ii]_?[Kk][Ee][Yy]|[Tt][Oo][Kk][Ee][Nn])'
# values that look like secrets become ***, in every file that is shown and more strictly in schedules and mail settings
SOFT='s/\([Bb]indpw[ =]*\)[^ ]*/\1***/g;s/\([ ,]key=\)[^ ,]*/\1***/g;s/\([Ss]ecret=\)[^ ,]*/\1***/g;s#://[^/@ ]*@#://***@#g'
HARD='s/\([Pp][Aa][Ss][Ss][A-Za-z_-]*[" ]*[=: ][" ]*\)[^" ;,]*/\1***/g;s/\([Pp][Ww][Dd][=: ]*\)[^ ;,]*/\1***/g;s/\([Tt][Oo][Kk][Ee][Nn][=: ]*\)[^ ;,]*/\1***/g;s/\([Ss][Ee][Cc][Rr][Ee][Tt][A-Za-z_]*[=: ]*\)[^ ;,]*/\1***/g;s/\( -p\)[^ ][^ ]*/\1***/g;s/\( -u *[^ :]*:\)[^ ]*/\1***/g;s/\([Aa]uthorization: *[A-Za-z]* \)[^ "]*/\1***/g;'"$SOFT"

have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }
note() { printf '@@note %s %s\n' "$1" "$2"; }
need_root() { is_root || note needs-root "$1"; }
limit() { # seconds program...: stop it after that time, where "timeout" exists
  secs=$1; shift
  if [ -n "$TIMEOUT" ]; then $TIMEOUT "$secs" "$@"; else "$@"; fi; }
body() { # lines: content gets one space in front, so that nothing in it can look like a marker
  awk -v n="$1" 'NR > n { cut = 1; exit } { print " " substr($0, 1, 1000) } END { if (cut) print "@@note truncated " n }'; }
cmd() { # name seconds lines program...: the output of a program as one block
  printf '@@cmd %s\n' "$1"; secs=$2; lines=$3; shift 3
  have "$1" || { note missing-tool "$1"; return 0; }
  { rc=$({ { limit "$secs" "$@" 2>/dev/null 3>&- 4>&-; echo $? >&3; } | body "$lines" >&4 3>&-; } 3>&1); } 4>&1
  printf '@@rc %s\n' "$rc"
  case $rc in 124 | 137 | 143) note timed-out "$1" ;; esac; }
show() { # path [sed script]: the content of one plain file as one block
  case $1 in *[!\ -~]*) note unreadable "a file with an unusual name"; return 0 ;; esac
  dir=${1%/*}
  if [ -f "$1" ] && [ -r "$1" ]; then printf '@@file ok %s\n' "$1"; sed "${2:-$SOFT}" <"$1" 2>/dev/null | body 600
  elif [ -f "$1" ]; then printf '@@file unreadable %s\n' "$1"
  elif [ -e "$1" ]; then printf '@@file special %s\n' "$1"
  elif [ -d "$dir" ] && [ ! -x "$dir" ]; then printf '@@file unreadable %s\n' "$1"
  else printf '@@file absent %s\n' "$1"; fi; }
show_dir() { # folder suffix [sed script]: every plain file in it
  if [ ! -d "$1" ]; then printf '@@file absent %s\n' "$1"; return 0; fi
  if [ ! -r "$1" ] || [ ! -x "$1" ]; then printf '@@file unreadable %s\n' "$1"; return 0; fi
  for entry in "$1"/*$2; do if [ -f "$entry" ]; then show "$entry" "$3"; fi; done; }
stats() { # name paths...: mode, owner, size and time of those that exist, links followed
  printf '@@cmd %s\n' "$1"; shift
  stat -L -c "$STAT" "$@" 2>/dev/null | body 2000; }
login_homes() { # "name home" of root and of every account with a login shell
  awk -F: '($3 == 0 || $7 !~ /(nologin|false|sync|shutdown|halt)$/) && $6 ~ /^\/./ { print $1, $6 }' /etc/passwd | awk '!seen[$2]++' | head -n 200; }

sec_system() {
  kind=no
  if have systemd-detect-virt; then kind=$(systemd-detect-virt -c 2>/dev/null); [ "$kind" = none ] && kind=no; fi
  [ -f /run/.containerenv ] && kind=podman; [ -f /.dockerenv ] && kind=docker
  [ "$kind" = no ] && grep -qE 'docker|kubepods|containerd|lxc' /proc/1/cgroup 2>/dev/null && kind=container
  printf '@@cmd info\n'
  { echo "kernel=$(uname -r)"; echo "machine=$(uname -m)"; echo "hostname=$(uname -n)"; echo "uid=$(id -u)"
    echo "time=$(date +%s)"; echo "zone=$(date +%z)"; echo "init=$(cat /proc/1/comm 2>/dev/null)"; echo "container=${kind:-no}"
    echo "host_id=$(sha256sum 2>/dev/null </etc/machine-id | cut -d ' ' -f 1)"; echo "born=$(stat -c %W / 2>/dev/null)"
    echo "uptime_s=$(cut -d . -f 1 /proc/uptime)"; } 2>/dev/null | body 50; }
sec_os() { for f in os-release redhat-release openEuler-release kylin-release .productinfo os-version anolis-release tencentos-release debian_version; do show /etc/$f; done; }
sec_accounts() {
  printf '@@cmd passwd\n'; awk -F: -v OFS=: 'NF > 6 { if ($2 != "" && $2 != "x" && $2 !~ /^[!*]/) $2 = "masked" } { print }' /etc/passwd 2>/dev/null | body 2000
  printf '@@cmd group\n'; awk -F: -v OFS=: 'NF > 3 { if ($2 != "") $2 = "x" } { print }' /etc/group 2>/dev/null | body 2000; }
sec_shadow() {
  printf '@@cmd shadow\n'
  if [ ! -e /etc/shadow ]; then note unreadable "no /etc/shadow"; return 0; elif [ ! -r /etc/shadow ]; then note needs-root /etc/shadow; return 0; fi
  awk -F: '{
    h = $2; locked = 0; algo = ""; state = "hash"
    while (substr(h, 1, 1) == "!") { locked = 1; h = substr(h, 2) }
    if ($2 == "") state = "empty"
    else if (h == "" || substr(h, 1, 1) == "*") state = "locked"
    else if (substr(h, 1, 1) == "$") { split(h, part, "$"); algo = part[2] }
    else if (substr(h, 1, 1) == "_" && length(h) == 20) algo = "bsdi"
    else if (length(h) == 13) algo = "des"
    else state = "invalid"
    if (algo != "") { if (locked) state = "locked-hash"; if (h in names) same[h] = 1; names[h] = names[h] " " $1 }
    print $1 ":" state ":" algo ":" $3 ":" $4 ":" $5 ":" $6 ":" $7 ":" $8
  } END { for (h in same) print "@same:" names[h] }' /etc/shadow 2>/dev/null | body 4000; }
sec_login_defs() { for f in /etc/login.defs /etc/libuser.conf /etc/default/useradd; do show $f; done; }
sec_pwquality() {
  for f in pwquality.conf pwhistory.conf passwdqc.conf; do show /etc/security/$f; done
  show_dir /etc/security/pwquality.conf.d .conf; show /etc/deepin/dde.conf; show /etc/passwdqc.conf; }
sec_pam() { show_dir /etc/pam.d ''; show /etc/security/faillock.conf; show /etc/security/access.conf; show /etc/pam.conf; }
sec_sshd() {
  SSHD=$(command -v sshd); printf '@@cmd sshd-path\n'; echo "$SSHD" | body 1; printf '@@cmd ssh-version\n'; { ssh -V 2>&1; } | body 2
  [ -n "$SSHD" ] || return 0; need_root "sshd -T"
  cmd effective 10 400 "$SSHD" -T -C user=nobody,host=unknown.invalid,addr=192.0.2.1
  cmd effective-root 10 400 "$SSHD" -T -C user=root,host=unknown.invalid,addr=192.0.2.1; }
sec_sshd_config() {
  main_file=/etc/ssh/sshd_config; show $main_file; show_dir /etc/ssh/sshd_config.d .conf
  for holder in $main_file /etc/ssh/sshd_config.d/*.conf; do
    [ -r "$holder" ] || continue
    for pattern in $(awk 'tolower($1) == "include" { for (i = 2; i <= NF; i++) print $i }' "$holder"); do
      case $pattern in /etc/ssh/sshd_config.d/\*.conf) continue ;; /*) ;; *) pattern=/etc/ssh/$pattern ;; esac
      for found in $pattern; do show "$found"; done; done; done; }
sec_units() {
  if [ -d /run/systemd/system ]; then
    cmd unit-files 15 2000 systemctl list-unit-files --no-legend --no-pager --type=service,socket,timer
    cmd units 15 2000 systemctl list-units --all --plain --no-legend --no-pager --type=service,socket,timer
    cmd default-target 5 2 systemctl get-default
  else note no-systemd "$(cat /proc/1/comm 2>/dev/null)"; fi
  printf '@@cmd sysv\n'; for f in /etc/rc[2-5].d/S* /etc/runlevels/*/*; do if [ -e "$f" ]; then echo "$f"; fi; done | body 400; }
sec_processes() {
  printf '@@cmd list\n'; cat /proc/[0-9]*/status 2>/dev/null | awk '/^Name:/ { name = $2 } /^Pid:/ { pid = $2 } /^PPid:/ { ppid = $2 } /^Uid:/ { print pid, ppid, $2, name }' | body 4000
  if ! is_root && grep -qE '^proc /proc .*hidepid=([12]|invisible|noaccess|ptraceable)' /proc/mounts 2>/dev/null; then note needs-root "processes of others"; fi; }
sec_listeners() {
  if have ss; then cmd ss 10 1000 ss -tulnp; elif have netstat; then cmd netstat 10 1000 netstat -tulnp; else
    printf '@@cmd proc\n'; for p in tcp tcp6 udp udp6; do awk -v p=$p 'NR > 1 && ((p ~ /tcp/ && $4 == "0A") || (p ~ /udp/ && $4 == "07")) { print p, $2 }' /proc/net/$p 2>/dev/null; done | body 1000; fi; }
sec_packages() {
  if have rpm && [ -d /var/lib/rpm -o -d /usr/lib/sysimage/rpm ]; then cmd rpm 30 6000 rpm -qa --qf '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH}\n'; fi
  if have dpkg-query && [ -d /var/lib/dpkg ]; then cmd dpkg 30 6000 dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package} ${Version} ${Architecture}\n'; fi
  if have apk; then cmd apk 20 3000 apk info -v; fi; }
sec_updates() {
  if have apt-get; then # with its caches in memory, so that a simulation writes nothing
    cmd apt 30 1000 apt-get -s -q -o Debug::NoLocking=true -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Dir::Log::Planner=/dev/null dist-upgrade
    printf '@@cmd apt-lists\n'; find /var/lib/apt/lists -maxdepth 1 -type f -name '*_*' -exec stat -c '%Y %n' {} + 2>/dev/null | body 100; stat -c '%Y %n' /var/lib/dpkg/status 2>/dev/null | body 1
    show_dir /etc/apt/apt.conf.d upgrades; fi
  if have rpm; then cmd rpm-last 20 20 rpm -qa --last; show /etc/dnf/automatic.conf; show /etc/yum/yum-cron.conf; fi; }
sec_kernel() {
  printf '@@cmd installed\n'; for f in /lib/modules/*; do if [ -e "$f/modules.dep" ]; then echo "${f##*/}"; fi; done | body 50
  printf '@@cmd cmdline\n'; sed 's/\(pass[a-z]*=\)[^ ]*/\1***/' /proc/cmdline 2>/dev/null | body 1
  printf '@@cmd reboot-required\n'; for f in /run/reboot-required /var/run/reboot-required; do if [ -e $f ]; then echo yes; break; fi; done | body 1; }
sec_sysctl() {
  printf '@@cmd values\n'
  for key in net/ipv4/ip_forward net/ipv6/conf/all/forwarding net/ipv4/conf/all/accept_redirects net/ipv4/conf/default/accept_redirects net/ipv6/conf/all/accept_redirects \
    net/ipv4/conf/all/send_redirects net/ipv4/conf/default/send_redirects net/ipv4/conf/all/accept_source_route net/ipv4/conf/default/accept_source_route \
    net/ipv4/conf/all/rp_filter net/ipv4/conf/default/rp_filter net/ipv4/conf/all/log_martians net/ipv4/tcp_syncookies \
    kernel/randomize_va_space kernel/kptr_restrict kernel/dmesg_restrict kernel/yama/ptrace_scope kernel/core_pattern fs/suid_dumpable crypto/fips_enabled; do
    if [ -r /proc/sys/$key ]; then echo "$key=$(cat /proc/sys/$key)"; fi; done | tr / . | body 100; }
sec_mounts() {
  printf '@@cmd mounts\n'; cut -d ' ' -f 1-4 /proc/mounts 2>/dev/null | sed "$HARD" | body 400
  cmd df 5 200 df -P -k -l
  printf '@@cmd swaps\n'; body 50 </proc/swaps
  cmd lsblk 5 400 lsblk -r -n -o NAME,TYPE,FSTYPE,MOUNTPOINT
  show /etc/crypttab 's/^\([^ ]*[ \t]*[^ ]*\).*/\1/'; }
sec_files() {
  stats stat /etc/passwd /etc/passwd- /etc/shadow /etc/shadow- /etc/group /etc/gshadow /etc/sudoers /etc/sudoers.d /etc/ssh/sshd_config /etc/ssh/ssh_host_*_key /etc/crontab \
    /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly /etc/cron.allow /etc/cron.deny /etc/at.allow /etc/at.deny /etc/profile /etc/bashrc /etc/bash.bashrc \
    /etc/hosts /etc/hosts.allow /etc/hosts.deny /etc/pam.d /etc/security /etc/login.defs /etc/rc.local /etc/rc.d/rc.local /etc/init.d /etc/audit /etc/audit/auditd.conf /etc/rsyslog.conf \
    /boot/grub/grub.cfg /boot/grub2/grub.cfg /boot/grub2/user.cfg /boot/efi/EFI/*/grub.cfg /usr/bin/at /usr/bin/crontab /var/spool/cron /var/spool/cron/crontabs /usr/sbin/auditd /usr/sbin/auditctl
  for f in /etc/sudoers.d /etc/audit /boot/grub2 /boot/grub /var/spool/cron; do if [ -d $f ] && [ ! -x $f ]; then note needs-root $f; fi; done; }
sec_homes() {
  printf '@@cmd stat\n'
  login_homes | while read -r user home; do
    if [ -d "$home" ] && [ ! -x "$home" ]; then note needs-root "$home"; fi
    if [ -d "$home/.ssh" ] && [ ! -x "$home/.ssh" ]; then note needs-root "$home/.ssh"; fi
    stat -L -c "$STAT" "$home" "$home"/.ssh "$home"/.ssh/authorized_keys* "$home"/.ssh/id_* "$home"/.rhosts "$home"/.shosts "$home"/.netrc "$home"/.my.cnf "$home"/.pgpass \
      "$home"/.bashrc "$home"/.profile "$home"/.bash_profile "$home"/.*history 2>/dev/null | body 100; done; }
sec_keys() {
  need_root "key files of others"; login_homes | while read -r user home; do
    for f in "$home"/.ssh/authorized_keys "$home"/.ssh/authorized_keys2; do if [ -s "$f" ] && [ -r "$f" ]; then cmd "authorized-keys $user" 5 200 ssh-keygen -l -f "$f"; fi; done; done; }
sec_sudo() { show /etc/sudoers; show_dir /etc/sudoers.d ''; }
sec_schedules() {
  show /etc/crontab "$HARD"; show /etc/anacrontab "$HARD"; show_dir /etc/cron.d '' "$HARD"
  for d in /var/spool/cron/crontabs /var/spool/cron; do if [ -d $d ]; then show_dir $d '' "$HARD"; break; fi; done
  printf '@@cmd names\n'; for f in /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/* /etc/cron.monthly/*; do if [ -f "$f" ]; then echo "$f"; fi; done | body 200
  if [ -d /run/systemd/system ]; then cmd timers 10 200 systemctl list-timers --all --no-legend --no-pager; fi; }
sec_audit() {
  need_root "state of the audit system"; cmd status 5 50 auditctl -s; cmd rules 5 2000 auditctl -l
  show /etc/audit/auditd.conf; show /etc/audit/audit.rules; show_dir /etc/audit/rules.d .rules; show_dir /etc/audit/plugins.d .conf; show_dir /etc/audisp/plugins.d .conf; }
sec_syslog() {
  show /etc/rsyslog.conf "$HARD"; show_dir /etc/rsyslog.d .conf "$HARD"; show /etc/syslog-ng/syslog-ng.conf "$HARD"; show_dir /etc/syslog-ng/conf.d .conf "$HARD"
  show /etc/systemd/journald.conf; show_dir /etc/systemd/journald.conf.d .conf; show_dir /usr/lib/systemd/journald.conf.d .conf; show /etc/systemd/journal-upload.conf
  printf '@@cmd journal\n'; if [ -d /var/log/journal ]; then echo persistent; elif [ -d /run/log/journal ]; then echo volatile; else echo none; fi | body 1; }
sec_logrotate() { show /etc/logrotate.conf; show_dir /etc/logrotate.d ''; }
sec_logs() {
  printf '@@cmd stat\n'; find /var/log -xdev -maxdepth 3 \( -type f -o -type d \) -exec stat -c "$STAT" {} + 2>/dev/null | body 2000
  for d in /var/log /var/log/audit; do if [ -d $d ] && { [ ! -r $d ] || [ ! -x $d ]; }; then note needs-root $d; fi; done
  if [ -d /run/log/journal ] || [ -d /var/log/journal ]; then cmd journal-oldest 8 1 journalctl -q --no-pager -o short-unix; fi; }
sec_log_samples() {
  printf '@@cmd audit-fields\n'
  if [ -r /var/log/audit/audit.log ]; then
    tail -n 500 /var/log/audit/audit.log | awk '{
      type = $1; sub(/^type=/, "", type); if (type in seen) next; seen[type] = 1; keys = ""
      for (i = 2; i <= NF; i++) { t = $i; sub(/^msg=\047/, "", t); if (t ~ /^msg=audit\(/) { keys = keys " time"; continue } if (match(t, /^[A-Za-z_-]+=/)) keys = keys " " substr(t, 1, RLENGTH - 1) }
      print type ":" keys }' | body 100
  else need_root /var/log/audit/audit.log; fi
  printf '@@cmd auth-shape\n'
  for f in /var/log/secure /var/log/auth.log; do
    if [ -r $f ]; then tail -n 300 $f | awk '{ shape = "other"; p = 0
      if ($1 ~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T/) { shape = "iso"; p = 3 } else if ($1 ~ /^[A-Z][a-z][a-z]$/ && $3 ~ /^[0-9:]+$/) { shape = "bsd"; p = 5 }
      prog = p ? $p : ""; sub(/[^A-Za-z0-9_.-].*/, "", prog); k = shape " " prog; if (!(k in seen)) { seen[k] = 1; print k } }' | body 60
    elif [ -e $f ]; then need_root $f; fi
  done; }
sec_clock() {
  if have chronyc; then cmd chrony 5 30 chronyc -n tracking; elif have ntpq; then cmd ntpq 5 30 ntpq -pn; elif [ -d /run/systemd/system ]; then cmd timedatectl 5 30 timedatectl; fi; }
sec_firewall() {
  need_root "firewall rules"
  if have firewall-cmd; then cmd firewalld-state 5 3 firewall-cmd --state; cmd firewalld 8 300 firewall-cmd --list-all-zones; fi
  if have ufw; then cmd ufw 8 200 ufw status verbose; fi
  # asking would load kernel modules where they are not in use yet
  if have nft && grep -q '^nf_tables ' /proc/modules 2>/dev/null; then cmd nft 8 2000 nft list ruleset; fi
  if have iptables-save && [ -s /proc/net/ip_tables_names ]; then cmd iptables 8 2000 iptables-save; fi
  printf '@@cmd modules\n'; awk '$1 ~ /^(nf_tables|ip_tables|iptable_filter)$/ { print $1 }' /proc/modules 2>/dev/null | body 10; }
sec_hosts_access() { show /etc/hosts.allow; show /etc/hosts.deny; }
sec_mac() {
  printf '@@cmd lsm\n'; cat /sys/kernel/security/lsm 2>/dev/null | body 2
  printf '@@cmd selinux\n'; if [ -r /sys/fs/selinux/enforce ]; then cat /sys/fs/selinux/enforce; else echo off; fi | body 2; printf '@@cmd apparmor\n'; cat /sys/module/apparmor/parameters/enabled 2>/dev/null | body 2
  if [ -e /sys/kernel/security/apparmor/profiles ]; then
    if is_root; then cmd apparmor-profiles 5 600 cat /sys/kernel/security/apparmor/profiles; else note needs-root "AppArmor profiles"; fi
  fi
  show /etc/selinux/config; for f in /etc/selinux/*/seusers; do if [ -f "$f" ]; then show "$f"; fi; done
  if have getstatus; then cmd kysec 5 20 getstatus; elif have kysec_getstatus; then cmd kysec 5 20 kysec_getstatus; fi
  if [ -e /sys/fs/selinux/enforce ]; then cmd labels 5 20 ls -dZ /etc/shadow /etc/passwd /etc/sudoers /var/log /root; fi; }
sec_boot() {
  printf '@@cmd grub\n'
  for f in /boot/grub/grub.cfg /boot/grub2/grub.cfg /boot/grub2/user.cfg /boot/efi/EFI/*/grub.cfg /boot/efi/EFI/*/user.cfg /etc/grub.d/*; do
    if [ -r "$f" ] && [ -f "$f" ]; then awk -v f="$f" '/^[ \t]*(password_pbkdf2|GRUB2_PASSWORD=)/ { p = 1 } /^[ \t]*set superusers/ { s = 1 } END { print f, (p ? "password" : "-"), (s ? "superusers" : "-") }' "$f"; fi
  done | body 40
  for d in /boot/grub /boot/grub2; do for f in $d/grub.cfg; do if { [ -e "$f" ] && [ ! -r "$f" ]; } || { [ -d $d ] && [ ! -x $d ]; }; then note needs-root "$f"; fi; done; done
  printf '@@cmd rescue\n'
  for u in rescue emergency; do for d in /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
    if [ -r $d/$u.service ]; then awk -v u=$u '/^ExecStart=/ { print u, $0; exit }' $d/$u.service; break; fi; done; done | body 10; }
sec_searches() {
  printf '@@cmd find\n'
  for m in $(awk '($3 ~ /^(ext[234]|xfs|btrfs|f2fs|jfs|zfs|bcachefs)$/ || $2 == "/") && $2 !~ /\\|docker|containers|kubelet/ { print $2 }' /proc/mounts | awk '!s[$0]++' | head -n 8); do
    limit 20 find "$m" -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /var/lib/docker -o -path /var/lib/containers -o -path /var/lib/containerd -o -path /var/lib/kubelet \) -prune \
      -o \( -type f -o -type d \) \( -perm -4000 -o -perm -2000 -o -perm -0002 -o -nouser -o -nogroup \) -exec stat -c "$STAT" {} + 2>/dev/null || case $? in 124 | 137 | 143) echo "@timed-out $m" ;; esac
  done | body 2000
  need_root "folders of others"; }
sec_shares() { show /etc/exports; show_dir /etc/exports.d .exports; show /etc/samba/smb.conf "$HARD"; }
sec_profiles() {
  printf '@@cmd lines\n'
  for f in /etc/profile /etc/profile.d/*.sh /etc/bashrc /etc/bash.bashrc /etc/zprofile /etc/zsh/zprofile /etc/csh.cshrc /etc/csh.login /etc/environment /etc/profile.d/*.csh /root/.bashrc /root/.profile /root/.bash_profile; do
    if [ -f "$f" ] && [ -r "$f" ]; then awk -v f="$f" '/^[ \t]*#/ { next } /TMOUT|umask|HISTTIMEFORMAT|HISTSIZE|PROMPT_COMMAND|autologout/ { print f "\t" $0 }' "$f"; fi
  done | body 300; }
sec_desktop() {
  printf '@@cmd sessions\n'; for f in /usr/share/xsessions/*.desktop /usr/share/wayland-sessions/*.desktop; do if [ -e "$f" ]; then echo "$f"; fi; done | body 50
  for d in /etc/dconf/db/*.d /usr/share/glib-2.0/schemas; do if [ -d "$d" ]; then grep -HE '^(\[.*(screensaver|session)\]|(idle-delay|lock-enabled|lock-delay|idle-activation-enabled)=)' "$d"/* 2>/dev/null; fi; done | { printf '@@cmd lock\n'; body 100; }; }
sec_logins() { cmd lastlog 10 2000 lastlog; cmd last 10 500 last -F -w -i -n 500; }
sec_malware() {
  stats signatures /var/lib/clamav/*.c?d /var/log/clamav/*.log /opt/*/virdb /opt/*/virus* /opt/*/avdb /var/lib/*/vdb
  printf '@@cmd headers\n'; for f in /var/lib/clamav/*.c?d; do if [ -r "$f" ]; then head -c 64 "$f" | tr -cd ' -~'; echo; fi; done | body 10; }
sec_integrity() {
  stats databases /var/lib/aide/aide.db* /var/lib/tripwire/*.twd /etc/aide.conf /etc/aide/aide.conf /var/log/aide/aide.log
  printf '@@cmd ima\n'; cat /sys/kernel/security/ima/runtime_measurements_count 2>/dev/null | body 1; if [ -d /sys/kernel/security/ima ]; then need_root "IMA state"; fi
  if [ -d /var/lib/aide ] && [ ! -x /var/lib/aide ]; then note needs-root /var/lib/aide; fi; }
sec_trusted() {
  printf '@@cmd devices\n'; for f in /dev/tpm* /dev/tcm* /sys/class/tpm/tpm*; do if [ -e "$f" ]; then echo "$f"; fi; done | body 20
  cmd secure-boot 5 5 mokutil --sb-state
  printf '@@cmd efi\n'; if [ -d /sys/firmware/efi ]; then echo efi; od -An -t u1 /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c 2>/dev/null; else echo bios; fi | body 3
  stats logs /sys/kernel/security/tpm0/binary_bios_measurements /sys/kernel/security/ima/ascii_runtime_measurements; }
sec_compromise() {
  need_root "programs of other users"; show /etc/ld.so.preload
  printf '@@cmd deleted\n'; for f in /proc/[0-9]*/exe; do ls -l "$f" 2>/dev/null; done | awk '/\(deleted\)$/ { n = split($0, a, " -> "); print a[n] }' | body 100; }
sec_digests() {
  files='/bin/login /usr/bin/su /usr/bin/sudo /usr/bin/passwd /usr/bin/ssh /usr/sbin/sshd /bin/bash /bin/ls /bin/ps /usr/bin/find /usr/bin/top /usr/sbin/auditd /etc/passwd /etc/group /etc/sudoers /etc/ssh/sshd_config /etc/pam.d/sshd /etc/pam.d/su /etc/login.defs /etc/crontab /etc/rsyslog.conf /etc/hosts /etc/profile'
  if have openssl && openssl dgst -sm3 /etc/passwd >/dev/null 2>&1; then printf '@@cmd sm3\n'; for f in $files; do if [ -r $f ]; then openssl dgst -sm3 -r $f; fi; done 2>/dev/null | body 100
  else printf '@@cmd sha256\n'; for f in $files; do if [ -r $f ]; then sha256sum $f; fi; done 2>/dev/null | body 100; fi; }
sec_verify() {
  keys='openssh-server openssh-clients openssh-client login passwd shadow-utils sudo coreutils pam libpam-modules libpam-runtime bash util-linux procps procps-ng findutils systemd'
  if have dpkg-query && [ -d /var/lib/dpkg ]; then cmd dpkg 30 200 dpkg --verify $(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $keys 2>/dev/null | awk '$1 == "ii" { print $2 }')
  elif have rpm; then cmd rpm 30 200 rpm -V --nomtime $keys; fi
  need_root "files of the packages"; }
sec_network() {
  cmd addresses 5 200 ip -o addr; cmd routes 5 200 ip route; show /etc/resolv.conf; show /etc/nsswitch.conf
  printf '@@cmd wireless\n'; for f in /sys/class/net/*/wireless /sys/class/net/*/phy80211; do if [ -e "$f" ]; then echo "$f"; fi; done | body 20
  printf '@@cmd proxy\n'; grep -hiE '^[^#]*(https?|all)_?proxy' /etc/environment /etc/profile /etc/profile.d/*.sh /etc/apt/apt.conf.d/* /etc/yum.conf /etc/dnf/dnf.conf 2>/dev/null | sed "$HARD" | body 20; }
conf_files() {
  limit 20 find /etc /opt /srv /usr/local/etc /usr/local/*/conf -xdev -type f -size -400 \( -name '*.conf' -o -name '*.cnf' -o -name '*.ini' -o -name '*.y*ml' -o -name '*.properties' -o -name '*.env' -o -name '.env' -o -name '*.cfg' -o -name '*.json' -o -name '*.xml' \) ! -name nsswitch.conf ! -name openssl.cnf "$@"; }
sec_secrets() {
  need_root "settings of others"; printf '@@cmd settings\n'
  # the order "}{" matters: find takes the other one for a file name
  conf_files -exec grep -nHE "$KEYWORDS[A-Za-z_]*[\"' ]*[:=][\"' ]*[^][ \"'\$<>}{#*;,()]{4,}" {} + 2>/dev/null | awk '{
      line = $0; if (!match(line, /:[0-9]+:/)) next; place = substr(line, 1, RSTART + RLENGTH - 2); text = tolower(substr(line, RSTART + RLENGTH))
      if (text ~ /^[ \t]*(#|;|\/\/|<!--|\*)/) next
      print place ":" (text ~ /pass/ ? "password" : text ~ /secret/ ? "secret" : text ~ /token/ ? "token" : "key") }' | body 200
  printf '@@cmd looked\n'; conf_files -print 2>/dev/null | awk 'END { print NR }' | body 1
  printf '@@cmd history\n'
  login_homes | while read -r user home; do for f in "$home"/.bash_history "$home"/.zsh_history "$home"/.mysql_history "$home"/.psql_history; do
    if [ -s "$f" ] && [ -r "$f" ]; then echo "$user ${f##*/} $(grep -ciE '(passw(or)?d|pwd|token|secret)["'\'' ]*[=:]["'\'' ]*[^ $]|mysql.* -p[^ ]|sshpass -p|identified by|curl .*-u *[^ ]+:[^ ]|://[^/ :]+:[^@/ ]+@' "$f")"; fi; done; done | body 200; }
sec_dumps() {
  printf '@@cmd limits\n'; grep -hE '^[^#]*[[:space:]]core[[:space:]]' /etc/security/limits.conf /etc/security/limits.d/*.conf 2>/dev/null | body 50
  show /etc/systemd/coredump.conf; show_dir /etc/systemd/coredump.conf.d .conf; }
sec_cluster() { printf '@@cmd drbd\n'; head -n 20 /proc/drbd 2>/dev/null | body 20; if have crm_mon; then cmd pacemaker 8 60 crm_mon -1 -r; fi; }
sec_weak_passwords() {
  printf '@@cmd result\n'
  if [ "$WEAK" != yes ]; then note skipped permission; return 0; elif [ ! -r /etc/shadow ]; then note needs-root /etc/shadow; return 0; elif ! have perl; then note missing-tool perl; return 0; fi
  limit 60 perl -e '$| = 1; my @w = split / /, shift; open(F, "<", "/etc/shadow") or exit 1;
    while (<F>) { my ($n, $h) = split /:/; next if $h !~ /^(\$|.{13}$)/; my $r = "clear";
      for my $w ($n, "$n$n", "${n}123", "${n}1234", "$n\@123", ucfirst($n) . "\@123", ucfirst($n) . "123", "$n!", scalar reverse($n), @w) {
        my $c = crypt($w, $h); if (!defined $c || $c =~ /^\*/) { $r = "unsupported"; last } if ($c eq $h) { $r = "match"; last } } print "$n:$r\n" }' \
    '123456 12345678 123456789 1234567890 111111 000000 888888 666666 123123 abc123 abcd1234 Abcd1234 abc@123 Abc@123 admin admin123 admin@123 Admin@123 administrator root root123 root@123 Root@123 toor password password1 Password1 Password123 P@ssw0rd p@ssw0rd passw0rd Passw0rd qwerty qwerty123 1qaz2wsx 1qaz@WSX !QAZ2wsx qwe123 123qwe 1q2w3e4r a123456 aa123456 Aa123456 Aa123456! test test123 guest oracle postgres mysql redis changeme default system manager Huawei@123 Huawei12#$ kylin Kylin@123 kylin123 openEuler12#$ deepin uos iloveyou welcome Welcome1 letmein dragon master sunshine woaini 5201314 secret linux server' 2>/dev/null | body 2000; }

main() {
  have awk || exit 3
  TIMEOUT=; if have timeout; then if timeout 5 true 2>/dev/null; then TIMEOUT=timeout; elif timeout -t 5 true 2>/dev/null; then TIMEOUT='timeout -t'; fi; fi
  WEAK=no; [ "$1" = weak-passwords ] && WEAK=yes
  renice -n 19 -p $$ >/dev/null 2>&1; ionice -c 3 -p $$ >/dev/null 2>&1
  started=$(date +%s); printf '@@pack 1 secops-collector %s\n' "$VERSION"
  for section in system os accounts shadow login_defs pwquality pam sshd sshd_config units processes listeners packages updates kernel sysctl mounts files homes keys sudo schedules audit \
    syslog logrotate logs log_samples clock firewall hosts_access mac boot searches shares profiles desktop logins malware integrity trusted compromise digests verify network secrets dumps cluster weak_passwords; do
    printf '@@begin %s\n' "$section"; "sec_$section"; printf '@@end %s\n' "$section"
  done
  printf '@@finish %s\n' $(($(date +%s) - started))
  exit 0; }
main "$@" </dev/null
