using Postern.Core.Replay;
using Postern.Core.Reporting;
using Postern.Events;

namespace Postern.Reports;

/// <summary>Takes lines of mail logs and of event logs, which are told apart by their first bytes.</summary>
/// <param name="clock">What stamps leave out.</param>
/// <param name="since">What is older does not count; null: all counts.</param>
/// <param name="until">What is not older does not count; null: all counts.</param>
internal sealed class ReportInput(LogClock clock, DateTime? since = null, DateTime? until = null)
{
    private readonly ReportBuilder _mail = new(clock, since, until);
    private readonly EventTally _events = new();

    /// <summary>Takes in one line.</summary>
    /// <returns>Its time; null: none was read.</returns>
    public DateTime? Add(ReadOnlySpan<byte> line)
    {
        if (!line.StartsWith("{\"event\":"u8))
            return _mail.Add(line);
        if (!ClientEventReader.TryRead(line, out var client))
            return null;
        var began = TimeZoneInfo.ConvertTime(client.Connected, clock.Zone).DateTime;
        if (!(began < since) && !(began >= until))
            _events.Add(client, began);
        return client.Connected.UtcDateTime;
    }

    /// <summary>
    /// The counts. A mail log tells the mail server's part, too, so where there is one all is made of it but the
    /// break-off curve: event logs know more of the waits, unless they know much fewer clients.
    /// </summary>
    public Report Build()
    {
        var (report, events) = (_mail.Build(), _events.Build());
        return report.Connections == 0 && events.Events > 0 ? events with { Lines = report.Lines, UnreadableScreening = report.UnreadableScreening, UnreadableExample = report.UnreadableExample }
            : events.Events < report.Connections / 2 ? report
            : report with { BreakOff = events.BreakOff, Events = events.Events };
    }
}
