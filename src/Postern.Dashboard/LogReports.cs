using System.Text;
using System.Text.Json;
using Postern.Core.Config;
using Postern.Core.Reporting;
using Postern.Native;
using Postern.Reports;

namespace Postern.Dashboard;

/// <summary>
/// The report of the last days as one line of JSON, from the mail log and the event log with what was rotated:
/// <c>{"days":7,"read":[{"path","problem"}…],"report":{…}}</c>. One is made at a time, and then good for a while.
/// </summary>
/// <param name="process">The daemon's settings.</param>
/// <param name="clock">The time.</param>
internal sealed class LogReports(ProcessSettings process, TimeProvider clock)
{
    /// <summary>How far back a report can go.</summary>
    public const int MostDays = 31;

    private const long MostBytes = 2L << 30; // of all files together
    private static readonly TimeSpan Lasts = TimeSpan.FromMinutes(1);
    private static readonly string[] SyslogFiles = ["/var/log/mail.log", "/var/log/maillog"];

    private readonly Lock _making = new();
    private readonly Dictionary<int, (string Text, DateTimeOffset Made)> _made = [];

    /// <summary>Of the last days, to this moment or a minute ago.</summary>
    public string Of(int days)
    {
        lock (_making)
        {
            var now = clock.GetUtcNow();
            if (!_made.TryGetValue(days, out var last) || now - last.Made > Lasts)
                _made[days] = last = (Make(days, now), now);
            return last.Text;
        }
    }

    private string Make(int days, DateTimeOffset now)
    {
        var since = now.AddDays(-days);
        var logClock = new LogClock(now.LocalDateTime);
        var input = new ReportInput(logClock, since.LocalDateTime);
        var (read, room) = (new List<(string Path, string? Problem)>(), MostBytes);
        foreach (var log in Logs())
        {
            // The newest first, so that what there is no room for is the oldest.
            var files = new List<string>();
            foreach (var file in LogFiles.WithRotated(log).Select(static path => new FileInfo(path)).Where(file => !file.Exists || file.LastWriteTimeUtc >= since.UtcDateTime)
                .OrderByDescending(static file => file.Exists ? file.LastWriteTimeUtc : DateTime.MaxValue))
            {
                room -= file.Exists ? file.Length : 0;
                if (room >= 0)
                    files.Add(file.FullName);
                else
                    read.Add((file.FullName, "too long to be read here; postern report can"));
            }

            var problems = new Dictionary<string, string>();
            new MergedLogs(logClock, areNamed: false).Read(files, input.Add, static _ => { }, problems.Add);
            files.Reverse();
            read.AddRange(files.Select(file => (file, Explain(problems.GetValueOrDefault(file), file, log))));
        }

        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteNumber("days", days);
            json.WriteStartArray("read");
            foreach (var (path, problem) in read)
            {
                json.WriteStartObject();
                json.WriteString("path", path);
                if (problem is not null)
                    json.WriteString("problem", problem);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WritePropertyName("report");
            JsonReport.Write(input.Build(), json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    private string? Explain(string? problem, string file, string log)
    {
        if (problem != Errno.Text(Errno.EACCES) || log == process.EventLog)
            return problem;
        return log == process.MaillogFile
            ? $"{problem}: {process.MailOwner} may not read it. Set maillog_file_permissions = 0640 for new files, and for this one: chgrp {process.MailOwner} {file}; chmod 0640 {file}"
            : $"{problem}: {process.MailOwner} may not read it: setfacl -m u:{process.MailOwner}:r {file}";
    }

    private IEnumerable<string> Logs()
    {
        var mailLog = process.MaillogFile is { } file ? file.StartsWith("/dev/", StringComparison.Ordinal) ? null : file : SyslogFiles.FirstOrDefault(File.Exists);
        return new[] { mailLog, process.EventLog }.OfType<string>();
    }
}
