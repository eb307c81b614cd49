using Postern.Core;
using Postern.Core.Rehearsal;
using Postern.Core.Screening;
using Postern.Loop;

namespace Postern.Rehearsal;

/// <summary>All senders at work, on the loop's thread: they call, talk, hang up and come back by the virtual clock.</summary>
/// <param name="loop">Watches their sockets.</param>
/// <param name="agenda">When who is to do something.</param>
/// <param name="tally">What comes of it.</param>
/// <param name="port">Where the loop listens on 127.0.0.1.</param>
/// <param name="server">The address that they mean.</param>
/// <param name="areVisitsFixed">Whether they make the same attempts whatever becomes of them; else they come back until they have succeeded.</param>
internal sealed class Callers(EventLoop loop, VirtualClock clock, Agenda agenda, Tally tally, int port, IpAddress server, bool areVisitsFixed)
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);

    private readonly byte[] _buffer = new byte[4096];
    private readonly Dictionary<(IpAddress, ushort), Caller> _open = [];
    private readonly Dictionary<Sender, int> _left = new(ReferenceEqualityComparer.Instance); // attempts, of those with fixed ones
    private readonly HashSet<Sender> _accepted = new(ReferenceEqualityComparer.Instance);
    private int _owed;
    private int _senders;

    /// <summary>Connections made so far.</summary>
    public int Connections { get; private set; }

    /// <summary>The server owes somebody an answer that takes it no time.</summary>
    public bool IsOwed => _owed > 0;

    /// <summary>Every sender has succeeded or given up.</summary>
    public bool AreDone => Done == _senders && _open.Count == 0;

    /// <summary>How many have.</summary>
    public int Done { get; private set; }

    /// <summary>What keeps them from going on; null: nothing.</summary>
    public string? Problem { get; private set; }

    /// <summary>Notes the first attempts.</summary>
    public void Begin(Traffic traffic)
    {
        _senders = traffic.Senders.Count;
        foreach (var sender in traffic.Senders)
        {
            agenda.Add(sender.FirstAt, () =>
            {
                tally.Begin(sender);
                Call(sender, 0);
            });
            _left[sender] = sender.FixedVisits;
            for (var attempt = 1; areVisitsFixed && attempt < sender.FixedVisits; attempt++)
            {
                var number = attempt;
                agenda.Add(sender.TimeOf(number), () => Call(sender, number));
            }
        }
    }

    /// <summary>The loop has let go of clients.</summary>
    public void OnClientsLeft(ReadOnlySpan<Session> sessions)
    {
        foreach (var session in sessions)
        {
            if (!session.Facts!.IsHandedOff || !_open.TryGetValue((session.Client.Address, session.ClientPort), out var caller))
                continue;
            caller.IsHandedOff = true;
            Recount(caller);
        }
    }

    private void Call(Sender sender, int attempt)
    {
        if (Caller.Connect(sender, attempt, Connections, clock.Elapsed, port, server, out var problem) is not { } caller)
        {
            Problem = problem;
            return;
        }

        Connections++;
        _open.Add((caller.Host.Address, caller.Port), caller);
        if (!loop.Watch(caller.Descriptor, () => OnReadable(caller)))
            Problem = "the kernel watches no more sockets";
        Go(caller);
    }

    private void OnReadable(Caller caller)
    {
        if (caller.Receive(_buffer, clock.Elapsed))
        {
            Go(caller);
            return;
        }

        loop.Forget(caller.Descriptor);
        caller.Close();
        _open.Remove((caller.Host.Address, caller.Port));
        Count(caller, isOwed: false);
        tally.End(caller.Sender, caller.Visit, isFirst: caller.Attempt == 0);
        if (areVisitsFixed)
            EndFixed(caller);
        else
            GoOn(caller);
    }

    private void OnTime(Caller caller)
    {
        if (!_open.TryGetValue((caller.Host.Address, caller.Port), out var still) || still != caller)
            return; // it is over
        if (caller.Visit.WakeAt is not { } at || caller.Since + at > clock.Elapsed)
            return; // it has heard something since
        caller.Visit.OnTime(clock.Elapsed - caller.Since);
        Go(caller);
    }

    private void Go(Caller caller)
    {
        caller.Flush();
        Recount(caller);
        if (caller.Visit.WakeAt is { } at)
            agenda.Add(caller.Since + at, () => OnTime(caller));
    }

    private void GoOn(Caller caller)
    {
        var (sender, result, next) = (caller.Sender, caller.Visit.Result, caller.Attempt + 1);
        if (result is VisitResult.Accepted)
        {
            tally.Accept(sender, clock.Elapsed - sender.FirstAt, caller.Host.IsKnown);
        }
        else if (next <= sender.Retries.Count && (sender.IsBot || result is VisitResult.None))
        {
            var at = sender.TimeOf(next);
            agenda.Add(at > clock.Elapsed + ShortestPause ? at : clock.Elapsed + ShortestPause, () => Call(sender, next));
            return;
        }
        else if (!sender.IsBot)
        {
            tally.Lose();
        }

        Done++;
    }

    private void EndFixed(Caller caller)
    {
        var sender = caller.Sender;
        if (caller.Visit.Result is VisitResult.Accepted && _accepted.Add(sender))
            tally.Accept(sender, clock.Elapsed - sender.FirstAt, caller.Host.IsKnown);
        if (--_left[sender] > 0)
            return;
        if (!sender.IsBot && !_accepted.Contains(sender))
            tally.Lose();
        Done++;
    }

    private void Recount(Caller caller) => Count(caller, caller.IsOwed);

    private void Count(Caller caller, bool isOwed)
    {
        if (isOwed != caller.IsCounted)
            _owed += isOwed ? 1 : -1;
        caller.IsCounted = isOwed;
    }
}
