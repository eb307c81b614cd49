using Postern.Core.Replay;
using Postern.Core.Reporting;
using Postern.Events;

namespace Postern.Reports;

/// <summary>Takes lines of mail logs and of event logs, which are told apart by their first byte.</summary>
/// <param name="today">For time stamps without a year.</param>
/// <param name="since">What is older does not count.</param>
internal sealed class ReportInput(DateTime today, DateTime since = default)
{
    private readonly ReportBuilder _mail = new(today, since);
    private readonly EventTally _events = new();

    /// <summary>Takes in one line.</summary>
    public void Add(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty || line[0] != (byte)'{')
            _mail.Add(line);
        else if (ClientEventReader.TryRead(line, out var client) && client.Connected.LocalDateTime is var began && began >= since)
            _events.Add(client, began);
    }

    /// <summary>
    /// The counts so far. A mail log tells the mail server's part, too, so where there is one all is made of it but the
    /// break-off curve: event logs know more of the waits, unless they know much fewer clients.
    /// </summary>
    public Report Build()
    {
        var (report, events) = (_mail.Build(), _events.Build());
        return report.Connections == 0 && events.Events > 0 ? events
            : events.Events < report.Connections / 2 ? report
            : report with { BreakOff = events.BreakOff, Events = events.Events };
    }
}
