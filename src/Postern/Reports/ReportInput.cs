using Postern.Core.Lanes;
using Postern.Core.Replay;
using Postern.Core.Reporting;
using Postern.Core.Screening;
using Postern.Events;

namespace Postern.Reports;

/// <summary>Takes lines of mail logs and of event logs, which are told apart by their first byte.</summary>
/// <param name="today">For time stamps without a year.</param>
internal sealed class ReportInput(DateTime today)
{
    private readonly ReportBuilder _builder = new(today);
    private readonly BreakOffCurves _curves = new();
    private int _events;

    /// <summary>Takes in one line.</summary>
    public void Add(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty || line[0] != (byte)'{')
            _builder.Add(line);
        else if (ClientEventReader.TryRead(line, out var client))
            AddEvent(client);
    }

    /// <summary>The counts so far. Event logs know more of the waits, so where there are any the curve is theirs alone.</summary>
    public Report Build()
    {
        var report = _builder.Build();
        return _events == 0 ? report : report with { BreakOff = _curves, Events = _events };
    }

    private void AddEvent(RecordedClient client)
    {
        _events++;
        if (!client.Due.Has(ScreeningTest.Pregreet))
            return; // it did not have to wait
        var name = client.Class is { } kind ? RdnsVerdict.WordOf(kind) : null;
        if (client.TalkedAfter is { } silence)
            _curves.Add(name, silence.TotalSeconds, client.SaidQuit);
        else if (client.Causes.HasFlag(ScreeningCause.HangupBefore) && client.HungUpAfter is { } stayed)
            _curves.Add(name, stayed.TotalSeconds, hasLeft: true);
        else
            _curves.Add(name, (client.Waited ?? client.Duration).TotalSeconds, hasLeft: false);
    }
}
