"""What a machine's libvirt XML needs beyond the provider's fields, as the XSLT that adds it.

A changed text replaces every machine, so it is the same for all of them and for every stack.
"""

from __future__ import annotations

TRANSLATION_CACHE_MIB = 512
"""Code cache of an emulated machine; the default of 1 GiB makes six machines need 10 GiB."""
CONSOLE_LOGS = "/var/log/libvirt/qemu/"
"""Folder, on the hypervisor, of what machines print on their serial consoles."""
CONSOLE_LOG_SUFFIX = ".console.log"
"""After the machine's name; without it the file would be QEMU's own log."""

# What the provider has no field for, or sets by itself and we do not want: a serial console with
# a log, no display, no balloon, no USB, and under emulation a smaller code cache. An emulated
# kernel must not use cmpxchg16b (on QEMU 7.2 one died of a double fault right after it, in
# __kmalloc): where we give its command line, that says so, and Debian's HAProxy, which cannot do
# without, still has it; a kernel that is started from its disk gets a processor without it.
DOMAIN_XSLT = f"""\
<?xml version="1.0"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output omit-xml-declaration="yes" indent="yes"/>
  <xsl:template match="node()|@*">
    <xsl:copy><xsl:apply-templates select="node()|@*"/></xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/devices/graphics"/>
  <xsl:template match="/domain/features">
    <xsl:copy>
      <xsl:apply-templates select="node()|@*"/>
      <xsl:if test="/domain/@type='qemu'">
        <tcg><tb-cache unit="MiB">{TRANSLATION_CACHE_MIB}</tb-cache></tcg>
      </xsl:if>
    </xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/cpu">
    <xsl:copy>
      <xsl:apply-templates select="node()|@*"/>
      <xsl:if test="/domain/@type='qemu' and not(/domain/os/cmdline)">
        <feature policy="disable" name="cx16"/>
      </xsl:if>
    </xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/devices">
    <xsl:copy>
      <xsl:apply-templates select="node()|@*"/>
      <serial type="pty">
        <log append="on">
          <xsl:attribute name="file">
            <xsl:value-of select="concat('{CONSOLE_LOGS}', /domain/name, '{CONSOLE_LOG_SUFFIX}')"/>
          </xsl:attribute>
        </log>
        <target port="0"/>
      </serial>
      <console type="pty"><target type="serial" port="0"/></console>
      <video><model type="none"/></video>
      <memballoon model="none"/>
      <controller type="usb" model="none"/>
    </xsl:copy>
  </xsl:template>
</xsl:stylesheet>
"""
