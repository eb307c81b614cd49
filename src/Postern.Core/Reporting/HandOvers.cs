using System.Runtime.InteropServices;

namespace Postern.Core.Reporting;

/// <summary>
/// Finds the connection that a session of smtpd took: smtpd's lines name the address and no port. Sessions for which there is
/// none are not behind screening: submission, content filters.
/// </summary>
internal sealed class HandOvers
{
    private const long Longest = 120; // seconds from PASS to smtpd's connect: its processes are busy, DNS is slow
    private const int MaxLooked = 64; // connections of one address

    private readonly Dictionary<IpAddress, Candidates> _candidates = [];
    private bool _isScreeningLate; // its lines came after those of smtpd

    private struct Candidates
    {
        public Connection? LastWaiting, LastPassed;
    }

    /// <summary>A connection begins that smtpd may take.</summary>
    public void Add(Connection connection) => Append(ref Of(connection), connection, HandOverState.Waiting);

    /// <summary>A connection has passed.</summary>
    public void Pass(Connection connection)
    {
        if (connection.Session is not null || connection.State is HandOverState.Passed || !connection.MayBeHandedOver)
            return;
        ref var candidates = ref Of(connection);
        Unlink(ref candidates, connection);
        Append(ref candidates, connection, HandOverState.Passed);
    }

    /// <summary>A connection has ended, or has been taken.</summary>
    public void Remove(Connection connection)
    {
        if (connection.State is HandOverState.None)
            return;
        ref var candidates = ref Of(connection);
        Unlink(ref candidates, connection);
        if (candidates is { LastWaiting: null, LastPassed: null })
            _candidates.Remove(connection.Key.Address);
    }

    /// <summary>
    /// A session takes a connection of its time: best one that had just passed, then one that failed what may be ignored, then one whose
    /// line about that is late, or that had passed long before, and at last one of which nothing is known. What follows in the
    /// log may show that it is not the right one.
    /// </summary>
    /// <param name="session">The session. Those that began earlier come first.</param>
    /// <param name="now">The time.</param>
    public bool TryTake(ServerSession session, long now)
    {
        if (!_candidates.TryGetValue(session.Key.Address, out var candidates))
            return false;
        Connection? failed = null, silent = null;
        var looked = 0;
        for (var one = candidates.LastWaiting; one is not null && looked++ < MaxLooked; one = one.Previous)
        {
            if (one.Opened > session.Opened + HostLog.Disorder || session.Opened - one.Opened > Longest)
                continue;
            if (one.Causes is ScreeningCause.None)
                silent = one;
            else
                failed = one;
        }

        var found = FirstPassed(candidates, session, _isScreeningLate ? HostLog.Disorder : 0) ?? failed ?? FirstPassed(candidates, session, HostLog.Disorder)
            ?? LastPassed(candidates, session) ?? silent;
        if (found is null)
            return false;
        _isScreeningLate |= found.State is HandOverState.Passed && found.Passed > session.Opened;
        Remove(found);
        (found.Session, found.Claimed, session.Connection) = (session, now, found);
        return true;
    }

    /// <summary>It was not this connection that the session took.</summary>
    public static ServerSession Release(Connection connection)
    {
        var session = connection.Session!;
        (connection.Session, session.Connection) = (null, null);
        return session;
    }

    // The first one that passed when the session began; best one of which it is not thought that smtpd did not take it.
    private static Connection? FirstPassed(in Candidates candidates, ServerSession session, long atMostAfter)
    {
        Connection? found = null, blamed = null;
        var looked = 0;
        for (var one = candidates.LastPassed; one is not null && looked++ < MaxLooked; one = one.Previous)
        {
            var after = one.Passed - session.Opened;
            if (after < -HostLog.Disorder || after > atMostAfter)
                continue;
            if (one.Problem is null)
                found = one;
            else
                blamed = one;
        }

        return found ?? blamed;
    }

    // The last one that passed long before: those before it should have their sessions by now.
    private static Connection? LastPassed(in Candidates candidates, ServerSession session)
    {
        var looked = 0;
        for (var one = candidates.LastPassed; one is not null && looked++ < MaxLooked; one = one.Previous)
        {
            if (one.Problem is null && session.Opened - one.Passed is > HostLog.Disorder and <= Longest)
                return one;
        }

        return null;
    }

    private ref Candidates Of(Connection connection) => ref CollectionsMarshal.GetValueRefOrAddDefault(_candidates, connection.Key.Address, out _);

    private static void Append(ref Candidates candidates, Connection connection, HandOverState state)
    {
        ref var last = ref state is HandOverState.Passed ? ref candidates.LastPassed : ref candidates.LastWaiting;
        (connection.Previous, connection.Next, connection.State) = (last, null, state);
        last?.Next = connection;
        last = connection;
    }

    private static void Unlink(ref Candidates candidates, Connection connection)
    {
        if (connection.State is HandOverState.None)
            return;
        ref var last = ref connection.State is HandOverState.Passed ? ref candidates.LastPassed : ref candidates.LastWaiting;
        connection.Previous?.Next = connection.Next;
        connection.Next?.Previous = connection.Previous;
        if (last == connection)
            last = connection.Previous;
        (connection.Previous, connection.Next, connection.State) = (null, null, HandOverState.None);
    }
}
