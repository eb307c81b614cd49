using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Postern.Cli;

namespace Postern.Tests.Reporting;

/// <summary>Logs as they lie in a folder: rotated, packed, copied, of the same time as others.</summary>
public sealed class MergedLogsTests : IDisposable
{
    private static readonly DateTime Start = new(2026, 11, 24, 10, 0, 0);

    private readonly string _folder = Directory.CreateTempSubdirectory("postern-logs-").FullName;
    private readonly MadeUpLog _log = new(7, 600, 600, 100);
    private readonly string[] _lines;

    public MergedLogsTests() => _lines = [.. _log.Lines.Select(static line => MadeUpLog.Classic(line, Start))];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_order_in_which_files_are_named_does_not_matter()
    {
        string[] files = [Write("mail.log", _lines[2000..]), Write("mail.log.1", _lines[900..2000]), Write("mail.log.2.gz", _lines[..900])];

        Assert.Equal(Truth(Write("whole", _lines)), Truth(files));
        Assert.Equal(Truth(Write("whole", _lines)), Truth([.. files.Reverse()]));
    }

    [Fact]
    public void A_file_that_is_named_twice_counts_once()
    {
        var file = Write("mail.log", _lines);

        Assert.Equal(Truth(file), Truth(file, file));
        Assert.Equal(Truth(file), Truth(file, Write("copy.gz", _lines), file));
        Assert.Equal(_log.Expected.Connections, Number("doubled_connections", file, file));
        Assert.Equal(0, Number("doubled_connections", file));
    }

    [Fact]
    public void Copies_of_a_part_and_logs_with_more_in_them_count_once()
    {
        var file = Write("mail.log", _lines);
        var syslog = Write("syslog", _lines.SelectMany(static (line, i) => i % 3 == 0 ? [line, $"{line[..15]} mx0 kernel: eth0: link is up {i}"] : (string[])[line]));

        Assert.Equal(Truth(file), Truth(file, Write("begin", _lines[..1500])));
        Assert.Equal(Truth(file), Truth(Write("middle", _lines[700..1900]), file));
        Assert.Equal(Truth(file), Truth(syslog, file));
    }

    [Fact]
    public void Logs_of_two_machines_are_read_together()
    {
        var two = new MadeUpLog(8, 600, 600, 20, hosts: 2);
        var files = two.Lines.GroupBy(static line => line.Host).Select(host => Write(host.Key, host.Select(static line => MadeUpLog.Classic(line, Start)))).ToArray();

        Assert.Equal(two.Expected.Connections, Number("connections", files));
        Assert.Equal(two.Expected.Stopped, Number("stopped", files));
        Assert.Equal(0, Number("doubled_connections", files));
    }

    [Fact]
    public void A_file_named_twice_counts_once_where_its_clock_was_set_back()
    {
        var file = Write("mail.log", _log.Lines.Select(static line => MadeUpLog.Classic(line.Time < 300 ? line : line with { Time = line.Time - 3600 }, Start)));

        Assert.Equal(Truth(file), Truth(file, file));
    }

    [Fact]
    public void A_time_can_be_chosen()
    {
        var file = Write("mail.log", _lines);

        using var report = Read(new ReportQuery([file], ReportFormat.Json, "2026-11-24T10:02", "2026-11-24T10:05"));

        Assert.Equal(_log.Lines.Count(static line => line is { Time: >= 120 and < 300 } && line.Text.StartsWith("CONNECT", StringComparison.Ordinal)), report.RootElement.GetProperty("connections").GetInt32());
        Assert.True(report.RootElement.GetProperty("lines_without_beginning").GetInt32() > 0);
    }

    [Theory]
    [InlineData("yesterday", null)]
    [InlineData(null, "12 o'clock")]
    public void A_time_that_is_none_is_named(string? since, string? until)
    {
        using var errors = new StringWriter();

        Assert.Equal(1, ReportVerb.Run(new ReportQuery([], ReportFormat.Json, since, until), Stream.Null, errors));
        Assert.Contains($"{(since is null ? "--until 12 o'clock" : "--since yesterday")}: write a time", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_to_report_is_no_report_of_nought_percent()
    {
        var file = Write("syslog", ["Nov 24 10:00:00 mx kernel: eth0: link is up", "Nov 24 10:00:00 mx postfix/qmgr[1]: A: removed"]);
        using var errors = new StringWriter();
        using var output = new MemoryStream();

        Assert.Equal(1, ReportVerb.Run(new ReportQuery([file], ReportFormat.Text), output, errors));
        Assert.Contains("nothing to report", Encoding.UTF8.GetString(output.ToArray()), StringComparison.Ordinal);
        Assert.DoesNotContain('%', Encoding.UTF8.GetString(output.ToArray()));
        Assert.Contains("nothing to report: no line of postscreen in 2 lines", errors.ToString(), StringComparison.Ordinal);
        using var report = Read(new ReportQuery([file], ReportFormat.Json));
        Assert.Equal(JsonValueKind.Null, report.RootElement.GetProperty("load_taken_off").ValueKind);
    }

    [Fact]
    public void What_was_left_out_is_in_the_text_and_in_the_exit_status()
    {
        var file = Write("mail.log", [.. _lines, "[   12.705153] mx postfix/postscreen[11713]: CONNECT from [192.0.2.28]:53354 to [192.168.4.2]:25", "-- Boot 0123456789abcdef --", "so it was"]);
        using var errors = new StringWriter();
        using var output = new MemoryStream();

        Assert.Equal(1, ReportVerb.Run(new ReportQuery([file], ReportFormat.Text), output, errors));
        var text = Encoding.UTF8.GetString(output.ToArray());
        Assert.Contains("1 lines of screening cannot be read", text, StringComparison.Ordinal);
        Assert.Contains("[   12.705153] mx postfix/postscreen[11713]", text, StringComparison.Ordinal);
        Assert.Contains($"1 of {_lines.Length + 3:N0} lines are no lines of a mail log, such as: so it was", text, StringComparison.Ordinal);
        Assert.Contains("such as: [   12.705153] mx postfix/postscreen[11713]", errors.ToString(), StringComparison.Ordinal);
    }

    private string Truth(params string[] files)
    {
        using var report = Read(new ReportQuery(files, ReportFormat.Json));
        return string.Join('\n', report.RootElement.EnumerateObject().Where(static p => p.Name is not ("lines" or "unreadable_lines" or "doubled_connections" or "unreadable_example")).Select(static p => $"{p.Name} {p.Value.GetRawText()}"));
    }

    private static int Number(string name, params string[] files)
    {
        using var report = Read(new ReportQuery(files, ReportFormat.Json));
        return report.RootElement.GetProperty(name).GetInt32();
    }

    private static JsonDocument Read(ReportQuery query)
    {
        using var output = new MemoryStream();
        ReportVerb.Run(query, new DateTimeOffset(2026, 11, 25, 0, 0, 0, TimeZoneInfo.Local.GetUtcOffset(Start)), output, TextWriter.Null);
        return JsonDocument.Parse(output.ToArray());
    }

    private string Write(string name, IEnumerable<string> lines)
    {
        var path = Path.Combine(_folder, name);
        using Stream file = name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(File.Create(path), CompressionLevel.Fastest) : File.Create(path);
        file.Write(Encoding.UTF8.GetBytes(string.Concat(lines.Select(static line => line + "\n"))));
        return path;
    }
}
