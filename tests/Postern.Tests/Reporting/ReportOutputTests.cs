using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Postern.Cli;
using Postern.Core.Reporting;
using Postern.Reports;

namespace Postern.Tests.Reporting;

public sealed class ReportOutputTests : IDisposable
{
    private const string Log = """
        Nov 24 10:00:00 mx postfix/postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25
        Nov 24 10:00:03 mx postfix/postscreen[1]: PREGREET 14 after 2.5 from [192.0.2.1]:1001: EHLO <script>alert(1)</script>\r\n
        Nov 24 10:00:03 mx postfix/postscreen[1]: DISCONNECT [192.0.2.1]:1001
        Nov 24 10:00:03 mx postfix/dnsblog[2]: addr 192.0.2.1 listed by domain <b>[red]x</b> as 127.0.0.2

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("postern-report-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Plain_and_compressed_files_add_up()
    {
        var plain = Write("mail.log", Encoding.Latin1.GetBytes(Log));
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(Encoding.Latin1.GetBytes(Log.Replace("Nov 24", "Nov 23", StringComparison.Ordinal)));
        var compressed = Write("mail.log.1.gz", packed.ToArray());

        var (status, json, _) = Run(ReportFormat.Json, compressed, plain);

        Assert.Equal(0, status);
        using var report = JsonDocument.Parse(json);
        Assert.Equal(2, report.RootElement.GetProperty("stopped").GetInt32());
        Assert.Equal("pregreet", report.RootElement.GetProperty("causes")[0].GetProperty("cause").GetString());
        Assert.Equal(1.0, report.RootElement.GetProperty("load_taken_off").GetDouble());
    }

    [Fact]
    public void A_missing_and_a_damaged_file_are_named_and_the_others_counted()
    {
        var plain = Write("mail.log", Encoding.Latin1.GetBytes(Log));
        var damaged = Write("damaged.gz", [0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);

        var (status, json, errors) = Run(ReportFormat.Json, Path.Combine(_folder, "nothing"), damaged, plain);

        Assert.Equal(1, status);
        Assert.Contains("nothing: ", errors, StringComparison.Ordinal);
        Assert.Contains("damaged.gz: ", errors, StringComparison.Ordinal);
        using var report = JsonDocument.Parse(json);
        Assert.Equal(1, report.RootElement.GetProperty("stopped").GetInt32());
    }

    [Fact]
    public void What_strangers_wrote_stays_text()
    {
        var plain = Write("mail.log", Encoding.Latin1.GetBytes(Log));

        Assert.Contains("&lt;b&gt;[red]x&lt;/b&gt;", Run(ReportFormat.Html, plain).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", Run(ReportFormat.Html, plain).Output, StringComparison.Ordinal);
        Assert.Contains("<b>[red]x</b>", Run(ReportFormat.Text, plain).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_strangers_wrote_does_nothing_to_the_terminal()
    {
        var log = Write("mail.log", Encoding.Latin1.GetBytes(Log.Replace("<b>[red]x</b>", "\u0007[31mred.a-name-that-is-longer-than-its-column.example", StringComparison.Ordinal)));

        var (_, text, _) = Run(ReportFormat.Text, log);

        Assert.Contains("?[31mred.a-name-that-is-longer-than-its-column.example 1", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u0007', text);
    }

    [Fact]
    public void Compressed_data_that_is_cut_off_is_said_to_be()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(Encoding.Latin1.GetBytes(Log));
        var cut = Write("mail.log.1.gz", packed.ToArray()[..^12]);

        var (status, _, errors) = Run(ReportFormat.Json, cut);

        Assert.Equal(1, status);
        Assert.Contains("mail.log.1.gz: the compressed data is damaged or cut off", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void There_is_no_report_of_nothing()
    {
        var (status, output, errors) = Run(ReportFormat.Text, _folder);

        Assert.Equal((1, ""), (status, output));
        Assert.Contains(": Is a directory", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_without_an_end_takes_no_memory()
    {
        var builder = new ReportBuilder(DateTime.Now);
        using var endless = new MemoryStream([.. Enumerable.Repeat((byte)'x', 5_000_000), (byte)'\n', .. Encoding.Latin1.GetBytes(Log)]);

        Assert.Null(LogInput.Read(endless, line => builder.Add(line)));

        Assert.Equal((5L, 1L, 1), (builder.Build().Lines.Read, builder.Build().Lines.Unreadable, builder.Build().Stopped));
    }

    private string Write(string name, byte[] content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    private static (int Status, string Output, string Errors) Run(ReportFormat format, params string[] files)
    {
        using var output = new MemoryStream();
        using var errors = new StringWriter();
        var status = ReportVerb.Run(new ReportQuery(files, format), output, errors);
        return (status, Encoding.UTF8.GetString(output.ToArray()), errors.ToString());
    }
}
