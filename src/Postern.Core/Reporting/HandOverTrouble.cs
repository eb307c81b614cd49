using System.Text;

namespace Postern.Core.Reporting;

/// <summary>
/// Finds out whom the mail server did not take: the warnings name the service and no client. Each is about one client, so when
/// all lines of those seconds have come, one is looked for that passed then, or that was hung up on then after a time-out, and that
/// smtpd does not have.
/// </summary>
internal sealed class HandOverTrouble
{
    private const long ShortestLimit = 5, LongestLimit = 120; // seconds that a mail server has to take a client

    private readonly Queue<Failure> _failures = new();
    private readonly Queue<(Connection Connection, int Serial)> _passed = new();
    private readonly Queue<(Connection Connection, int Serial, long Time)> _refused = new();
    private readonly Dictionary<Connection, Failure> _blamed = [];
    private (Connection Connection, int Serial)? _last; // that passed

    private sealed record Failure(string Problem, DateTime At, uint ProcessId, long Time, bool IsTimeout);

    /// <summary>Takes in a line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="time">Its time.</param>
    /// <param name="isOrdered">The lines of the log are in the order in which they were written, as far as one can see.</param>
    /// <returns>The client that it is certainly about; null: that is not known, or not yet.</returns>
    public Connection? Add(in MailLogLine line, long time, bool isOrdered)
    {
        var text = line.Text;
        if (!text.StartsWith("warning: "u8))
            return null;
        text = text[9..];
        var isTimeout = text.StartsWith("timeout sending connection to service "u8);
        if (isTimeout || text.StartsWith("cannot connect to service "u8) || text.StartsWith("cannot pass connection to service "u8))
        {
            var failure = new Failure(Encoding.Latin1.GetString(text), line.Time, line.ProcessId, time, isTimeout);
            if (isOrdered && !isTimeout && _last is var (last, serial) && last.Serial == serial && last.Key.ProcessId == failure.ProcessId && time - last.Passed <= 1 && IsUntaken(last))
            {
                Blame(last, failure); // it is what was said just before
                last.IsProblemCertain = true;
                return last;
            }

            _failures.Enqueue(failure);
        }

        return null;
    }

    /// <summary>smtpd has a client that it was thought not to have: the warning is about another one.</summary>
    public void OnTaken(Connection connection)
    {
        if (!_blamed.Remove(connection, out var failure))
            return;
        connection.Problem = null;
        if (!failure.IsTimeout) // after that smtpd may take a client all the same
            Resolve(failure);
    }

    /// <summary>A client is counted.</summary>
    public void Forget(Connection connection) => _blamed.Remove(connection);

    /// <summary>A client has passed.</summary>
    public void OnPass(Connection connection, long time)
    {
        while (_passed.TryPeek(out var old) && (old.Connection.Serial != old.Serial || time - old.Connection.Passed > LongestLimit))
            _passed.Dequeue();
        _passed.Enqueue((connection, connection.Serial));
        _last = (connection, connection.Serial);
    }

    /// <summary>A relay target did not take a client: the warning about that, if there is one, is about no other.</summary>
    public void OnRefused(Connection connection, long time)
    {
        while (_refused.TryPeek(out var old) && time - old.Time > 2 * HostLog.Disorder)
            _refused.Dequeue();
        _refused.Enqueue((connection, connection.Serial, time));
    }

    /// <summary>Finds the clients of warnings to which no more lines belong.</summary>
    public void Expire(long now)
    {
        while (_failures.TryPeek(out var failure) && failure.Time + 2 * HostLog.Disorder < now)
            Resolve(_failures.Dequeue());
    }

    private void Resolve(Failure failure)
    {
        if (_refused.FirstOrDefault(refused => refused.Connection.Serial == refused.Serial && Math.Abs(refused.Time - failure.Time) <= HostLog.Disorder).Connection is { } named)
        {
            _refused.Dequeue();
            named.Problem = failure.Problem;
            return;
        }

        Connection? found = null;
        foreach (var (connection, serial) in _passed)
        {
            if (connection.Serial != serial || connection.Key.ProcessId != failure.ProcessId || !IsUntaken(connection))
                continue;
            var passed = failure.Time - connection.Passed;
            if (failure.IsTimeout)
            {
                // The one that was hung up on; else the one that has waited longest.
                if (connection.IsClosed && Math.Abs(connection.Closed - failure.Time) <= HostLog.Disorder)
                    found = found is { IsClosed: true } ? found : connection;
                else if (!connection.IsClosed && passed is >= ShortestLimit and <= LongestLimit)
                    found ??= connection;
            }
            else if (Math.Abs(passed) <= HostLog.Disorder)
            {
                found = connection; // the last one
            }
        }

        if (found is not null)
            Blame(found, failure);
    }

    private static bool IsUntaken(Connection connection) => connection is { IsTaken: false, Problem: null, WasToldToComeBack: false };

    private void Blame(Connection connection, Failure failure)
    {
        (connection.Problem, connection.ProblemAt) = (failure.Problem, failure.At);
        _blamed[connection] = failure;
    }
}
