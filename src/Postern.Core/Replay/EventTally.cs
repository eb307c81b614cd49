using System.Text;
using Postern.Core.Lanes;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>Makes a report of what event logs tell of each client: all but what the mail server did.</summary>
public sealed class EventTally
{
    private const int MaxRecent = 1 << 16; // clients among which one is looked for that was logged twice

    private readonly ScreeningTally _tally = new();
    private readonly HashSet<(long, IpAddress, ushort)> _recent = [];
    private readonly Queue<(long, IpAddress, ushort)> _recentInOrder = new();

    /// <summary>Counts one client, those that left earlier first.</summary>
    /// <param name="client">From the event log.</param>
    /// <param name="began">When it connected, as the report is to have it.</param>
    public void Add(RecordedClient client, DateTime began)
    {
        // The same file twice, or a copy of a part of it: no address has the same port again within the millisecond.
        var identity = (client.Connected.UtcTicks, client.Address, client.Port);
        if (!_recent.Add(identity))
        {
            _tally.Doubled++;
            return;
        }

        _recentInOrder.Enqueue(identity);
        if (_recent.Count > MaxRecent)
            _recent.Remove(_recentInOrder.Dequeue());
        _tally.Connections++;
        _tally.Note(began);
        foreach (var answer in client.Answers)
            _tally.Listed(client.Address, Encoding.UTF8.GetBytes(answer.List));
        var second = client.Connected.ToUnixTimeSeconds();
        switch (client.Outcome)
        {
            case Outcome.Stopped: _tally.Stopped(client.Address, began, client.Causes); break;
            case Outcome.ToldToComeBack: _tally.ToldToComeBack(client.Address, began, second, isNew: client.Entrance is Entrance.New); break;
            case Outcome.NotTaken: _tally.NotTaken(began, began + client.Duration, client.HandoffProblem ?? "the mail server did not take the client"); break;
            default:
                _tally.HandedOff(PassOf(client.Entrance), began, (client.Duration - (client.HandoffTook ?? TimeSpan.Zero)).TotalSeconds);
                if (client.Entrance is Entrance.AccessList or Entrance.Provider or Entrance.Known or Entrance.TestedAgain)
                    _tally.CameBack(client.Address, second);
                break;
        }

        AddWait(client);
    }

    /// <summary>The counts so far.</summary>
    public Report Build() => _tally.Build() with { IsOfEvents = true, Events = _tally.Connections };

    private static ScreeningPass PassOf(Entrance entrance) => entrance switch
    {
        Entrance.AccessList => ScreeningPass.ByAccessList,
        Entrance.Provider => ScreeningPass.ByProvider,
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
