"""What the golden image is made of: Debian packages, kernel settings, and what stays switched off.

Data only; ``lab.image`` bakes it, and any change here makes a new image.
"""

from __future__ import annotations

RELEASE = "trixie"
"""Debian 13."""
PACKAGES = (
    # the machine itself
    "systemd-sysv", "dbus", "udev", "linux-image-amd64", "initramfs-tools", "lz4", "kmod",
    "openssh-server", "python3", "iproute2", "procps", "qemu-guest-agent", "chrony", "nftables",
    "e2fsprogs", "cloud-init", "ca-certificates", "curl", "psmisc", "fdisk",
    "iputils-arping", "iputils-ping", "tcpdump", "logrotate",
    # the roles
    "keepalived", "nginx", "heartbeat", "drbd-utils", "ldirectord", "ipvsadm",
    "nfs-kernel-server", "nfs-common", "memcached", "php8.4-fpm", "php8.4-mysql", "php-memcached",
    "haproxy", "resource-agents", "cluster-glue",
    # from SID_PACKAGES' release
    "mysql-server", "mysql-client", "mysql-router",
)  # fmt: skip
"""All blocks' packages, so that no deploy of a lab waits for a package."""
KEPT_PACKAGES = (
    "chrony", "nftables", "openssh-server", "iproute2", "kmod", "keepalived", "nginx", "curl",
    "memcached", "php8.4-fpm", "php8.4-mysql", "php-memcached", "openssh-client", "e2fsprogs",
)  # fmt: skip
"""Kept as files in the image too: a lab has no way to an archive, and a package that was removed
by hand must come back by `up`."""
KEPT_WITH_NEEDS = (
    "drbd-utils", "heartbeat", "cluster-glue", "resource-agents", "iputils-arping",
    "nfs-kernel-server", "nfs-common", "ldirectord", "ipvsadm",
    "mysql-server", "mysql-client", "mysql-router", "haproxy",
)  # fmt: skip
"""Kept with all that apt's autoremove takes away with them: nothing else in the image needs it.
They add 56 MB to the image, of which MySQL's are most."""
PACKAGE_FOLDER = "/var/lib/pairwise/packages"
"""The image's own package source."""
SOURCES = f"deb [trusted=yes] file:{PACKAGE_FOLDER} ./\n"
"""apt's only source in a lab: the files above, which came in with the signed archive's."""
SID_PACKAGES = (
    "mysql-* libgoogle-perftools4t64 libtcmalloc-minimal4t64 libstdc++6 gcc-16-base libgcc-s1 "
    "libicu78 libprotobuf* libunwind8"
)
"""Only these may come from sid: MySQL is in no released Debian."""
PREFERENCES = f"""\
Package: *
Pin: release n=sid
Pin-Priority: 100

Package: {SID_PACKAGES}
Pin: release n=sid
Pin-Priority: 990
"""
INITRD_MODULES = (
    "virtio_blk", "virtio_net", "virtio_pci", "ext4", "ata_piix", "ahci", "sr_mod", "isofs",
    "virtio_scsi", "sd_mod",
)  # fmt: skip
"""Root disk, cards, and the CD on which cloud-init finds its data."""
DISABLED_UNITS = (
    "nginx", "keepalived", "mysql", "nfs-server", "memcached", "php8.4-fpm", "heartbeat", "drbd",
    "haproxy", "ldirectord", "mysqlrouter", "rpcbind.service", "rpcbind.socket",
    "nfs-client.target", "nfs-blkmap", "logd", "ipvsadm", "chrony", "nftables", "logrotate.timer",
    "phpsessionclean.timer", "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer",
    "e2scrub_reap", "man-db.timer", "sshd-keygen", "getty@tty1", "fsidd",
    "cloud-init-hotplugd.socket",
)  # fmt: skip
"""No role starts because it is in the image; deploys enable what a role needs."""
ENABLED_UNITS = ("systemd-networkd.service",)
"""Debian leaves it off; netplan, which is not in the image, would start it."""
MASKED_UNITS = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "systemd-firstboot.service",
    "systemd-pstore.service",
    "systemd-hwdb-update.service",
    "systemd-update-utmp.service",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@fuse.service",
    "dev-hugepages.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "sys-kernel-config.mount",
    "modprobe@configfs.service",
    "systemd-binfmt.service",
    "proc-sys-fs-binfmt_misc.automount",
    "systemd-udev-load-credentials.service",
    "systemd-networkd-persistent-storage.service",
)
"""Units that cost boot time under emulation and that nothing here uses."""
MASKED_GENERATORS = (
    "systemd-debug-generator",
    "systemd-gpt-auto-generator",
    "systemd-hibernate-resume-generator",
    "systemd-rc-local-generator",
    "systemd-run-generator",
    "systemd-ssh-generator",  # loads the modules of vsock
    "systemd-system-update-generator",
    "systemd-tpm2-generator",
)
"""Programs that run at every boot and every daemon-reload and find nothing here."""
UNUSED_MODULES = (
    "aesni_intel", "ata_generic", "binfmt_misc", "ccp", "cfg80211", "crc32_pclmul",
    "crct10dif_pclmul", "floppy", "ghash_clmulni_intel", "i2c_piix4", "kvm", "kvm_amd",
    "kvm_intel", "pcspkr", "psmouse", "qemu_fw_cfg", "rfkill", "serio_raw", "sg", "sha1_ssse3",
    "sha256_ssse3", "sha512_ssse3", "vmw_vsock_vmci_transport", "vsock", "vsock_loopback",
)  # fmt: skip
"""Loaded because the emulated hardware has a name for them; each is unpacked and has its signature
checked, under emulation too. button and evdev stay: the power button ends a machine."""
MODPROBE_CONFIG = "".join(f"blacklist {name}\n" for name in UNUSED_MODULES)
COLDPLUG = """\
[Service]
ExecStart=
ExecStart=-udevadm trigger --action=add --subsystem-match=block --subsystem-match=net \
    --subsystem-match=virtio --subsystem-match=virtio-ports --subsystem-match=rtc \
    --subsystem-match=input
ExecStart=-udevadm trigger --action=add --sysname-match=ttyS0 --sysname-match=LNXPWRBN:*
"""
"""What udev looks at when a machine boots: disks, cards, the guest agent's port, the clock, console
and power button. Debian's unit goes through all 540 devices, and systemd makes a unit of many of
them: that was 9 of an emulated machine's 45 processor seconds until login."""
INITRD_HOOK = """\
#!/bin/sh
# The modules that the recipe names are loaded by name, and the kernel makes their devices: a second
# udev, which goes through every device before the first one does, finds the root disk no sooner.
case "$1" in prereqs) exit 0 ;; esac
rm -f "$DESTDIR"/scripts/init-top/udev "$DESTDIR"/scripts/init-bottom/udev
rm -f "$DESTDIR"/usr/lib/systemd/systemd-udevd "$DESTDIR"/usr/bin/udevadm
rm -rf "$DESTDIR"/usr/lib/udev
"""
"""An initrd without udev, 4 processor seconds less (initramfs-tools(7), hook scripts)."""
CLOUD_CONFIG = """\
# cloud-init does identity and network, once; everything else is pyinfra's.
datasource_list: [NoCloud]
datasource:
  NoCloud: {}
disable_root: false
ssh_pwauth: false
preserve_hostname: false
manage_etc_hosts: false
allow_public_ssh_keys: true
ssh_deletekeys: true
ssh_genkeytypes: []
no_ssh_fingerprints: true
cloud_init_modules:
  - write_files
  - set_hostname
  - update_hostname
  - users_groups
  - ssh
cloud_config_modules: []
cloud_final_modules: []
system_info:
  distro: debian
  network:
    renderers: [networkd]
"""
"""The whole of cloud.cfg: cloud-init reads it a dozen times at each boot. Its netplan renderer
alone takes longer than all modules: systemd-networkd is written to without it."""
JOURNALD_CONFIG = """\
[Journal]
Storage=persistent
SystemMaxUse=64M
"""
FSTAB = "LABEL=root / ext4 noatime,errors=remount-ro 0 1\n"
DISK_GIB = 4
"""Virtual size of the root disk."""
