using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Postern.Interop.Tests.Harness;

/// <summary>
/// A file of systemd's journal with the lines of a mail log in it, as syslog would have brought them there. It is made from
/// the journal's export format by systemd-journal-remote.
/// </summary>
/// <param name="path">Where it is to be; it ends in .journal.</param>
internal sealed partial class Journal(string path)
{
    private const string Writer = "/lib/systemd/systemd-journal-remote";

    public static void Require()
    {
        Tool.Require("journalctl");
        Assert.SkipUnless(File.Exists(Writer), "needs systemd-journal-remote, which is not installed");
    }

    /// <summary>Writes it.</summary>
    /// <param name="lines">With syslog's classic time stamps in UTC, of the last twelve months.</param>
    /// <param name="unit">The service they come from.</param>
    /// <param name="program">Null: they came by syslog; else this program wrote them to its standard output.</param>
    public void Write(IEnumerable<string> lines, string unit, string? program = null)
    {
        var export = path + ".export";
        using (var entries = File.Create(export))
        {
            var elapsed = 0L;
            foreach (var line in lines)
            {
                var parts = Line().Match(line);
                Assert.True(parts.Success, line);
                var time = TimeOf(parts.Groups["time"].Value);
                Text(entries, "__REALTIME_TIMESTAMP", $"{time.ToUnixTimeMilliseconds() * 1000 + ++elapsed}"); // no two at once
                Text(entries, "__MONOTONIC_TIMESTAMP", $"{elapsed}");
                Text(entries, "_BOOT_ID", "0123456789abcdef0123456789abcdef");
                Text(entries, "_MACHINE_ID", "fedcba9876543210fedcba9876543210");
                Text(entries, "_HOSTNAME", parts.Groups["host"].Value);
                Text(entries, "_SYSTEMD_UNIT", unit);
                Text(entries, "_PID", parts.Groups["pid"].Value);
                Text(entries, "PRIORITY", "6");
                Text(entries, "_TRANSPORT", program is null ? "syslog" : "stdout");
                Text(entries, "SYSLOG_FACILITY", program is null ? "2" : "3");
                Text(entries, "SYSLOG_IDENTIFIER", program ?? parts.Groups["tag"].Value);
                if (program is null)
                    Text(entries, "SYSLOG_PID", parts.Groups["pid"].Value);
                Bytes(entries, "MESSAGE", Encoding.Latin1.GetBytes(program is null ? parts.Groups["text"].Value : line));
                entries.WriteByte((byte)'\n');
            }
        }

        Tool.Must(Writer, "--output", path, export);
    }

    // The year in which it is not in the future; a line may be a moment younger than now.
    private static DateTimeOffset TimeOf(string stamp)
    {
        var soon = DateTimeOffset.UtcNow.AddDays(1);
        var time = DateTimeOffset.ParseExact($"{soon.Year} {stamp.Replace("  ", " ", StringComparison.Ordinal)}", "yyyy MMM d HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        return time > soon ? time.AddYears(-1) : time;
    }

    private static void Text(Stream entries, string name, string value) => entries.Write(Encoding.ASCII.GetBytes($"{name}={value}\n"));

    // The form for what may be no text: a length of 64 bits, little-endian.
    private static void Bytes(Stream entries, string name, ReadOnlySpan<byte> value)
    {
        entries.Write(Encoding.ASCII.GetBytes(name + "\n"));
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, value.Length);
        entries.Write(length);
        entries.Write(value);
        entries.WriteByte((byte)'\n');
    }

    [GeneratedRegex(@"^(?<time>[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d) (?<host>\S+) (?<tag>[^\s\[]+)\[(?<pid>\d+)\]: (?<text>.*)$")]
    private static partial Regex Line();
}
