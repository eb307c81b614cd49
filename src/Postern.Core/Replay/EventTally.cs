using Postern.Core.Lanes;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>Makes a report of what event logs tell of each client: all but what the mail server did.</summary>
public sealed class EventTally
{
    private readonly ScreeningTally _tally = new();

    /// <summary>Counts one client, those that left earlier first.</summary>
    /// <param name="client">From the event log.</param>
    /// <param name="began">When it connected, as the report is to have it.</param>
    public void Add(RecordedClient client, DateTime began)
    {
        _tally.Connections++;
        _tally.Note(began);
        foreach (var answer in client.Answers)
            _tally.Listed(client.Address, answer.List);
        switch (client.Outcome)
        {
            case Outcome.Stopped: _tally.Stopped(client.Address, began, client.Causes); break;
            case Outcome.ToldToComeBack: _tally.ToldToComeBack(client.Address, began, isNew: client.Entrance is not Entrance.TestedAgain); break;
            default:
                _tally.HandedOff(PassOf(client.Entrance), began, client.Duration - (client.HandoffTook ?? TimeSpan.Zero));
                _tally.CameBack(client.Address, began);
                break;
        }

        AddWait(client);
    }

    /// <summary>The counts so far.</summary>
    public Report Build() => _tally.Build() with { IsOfEvents = true, Events = _tally.Connections };

    private static ScreeningPass PassOf(Entrance entrance) => entrance switch
    {
        Entrance.AccessList or Entrance.Provider => ScreeningPass.ByAccessList,
        Entrance.Known or Entrance.TestedAgain => ScreeningPass.Known,
        Entrance.New => ScreeningPass.New,
        _ => ScreeningPass.None,
    };

    private void AddWait(RecordedClient client)
    {
        if (client.TalkedAfter is { } silence)
        {
            _tally.EarlyTalk.Add(silence.TotalSeconds);
            AddToCurve(client, silence, client.SaidQuit);
        }
        else if (client.Causes.HasFlag(ScreeningCause.HangupBefore) && client.HungUpAfter is { } stayed)
        {
            _tally.HangUps.Add(stayed.TotalSeconds);
            AddToCurve(client, stayed, hasLeft: true);
        }
        else
        {
            AddToCurve(client, client.Waited ?? client.Duration, hasLeft: false);
        }
    }

    private void AddToCurve(RecordedClient client, TimeSpan watched, bool hasLeft)
    {
        if (client.Due.Has(ScreeningTest.Pregreet)) // else it did not have to wait
            _tally.Curves.Add(client.Class is { } kind ? RdnsVerdict.WordOf(kind) : null, watched.TotalSeconds, hasLeft);
    }
}
