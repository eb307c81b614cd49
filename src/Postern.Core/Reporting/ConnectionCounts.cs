namespace Postern.Core.Reporting;

/// <summary>Says what became of a connection of which all is known that the log has.</summary>
/// <param name="tally">Counts.</param>
/// <param name="sessions">Told which sessions are behind screening.</param>
internal sealed class ConnectionCounts(ScreeningTally tally, ServerSessions sessions)
{
    private const long LongestScreening = 1800; // seconds; a wait that seems to be longer went over a clock that was set

    // Of a client that passed, these say only how the dialogue ended.
    private const ScreeningCause Endings = ScreeningCause.HangupAfter | ScreeningCause.CommandLimit;

    private int _withSession;

    /// <summary>Connections that must have gone on, and that smtpd's log does not have.</summary>
    public int WithoutSession { get; set; }

    // Monitoring and the like may give some sessions to a log that else has none of them.
    private bool HasServerLog => _withSession > 0 && _withSession * 4L >= WithoutSession;

    /// <summary>Counts a connection.</summary>
    /// <param name="connection">It has ended, or gone on.</param>
    /// <param name="isSessionOverdue">If smtpd had it, the log would have said so by now.</param>
    public void Count(Connection connection, bool isSessionOverdue)
    {
        if (!connection.IsTaken && connection.Problem is not null)
        {
            tally.NotTaken(connection.Began, connection.ProblemAt, connection.Problem);
        }
        else if (connection.IsClosed)
        {
            if (connection.Pass is ScreeningPass.None || (connection.Causes & ~Endings) is not ScreeningCause.None)
                tally.Stopped(connection.Key.Address, connection.Began, connection.Causes);
            else if (connection.WasPassedInVain || connection is { WasRefused: true, WasToldToComeBack: false })
                tally.NotTaken(connection.Began, connection.Began, "the mail server did not take the client");
            else
                tally.ToldToComeBack(connection.Key.Address, connection.Began, connection.Opened, isNew: connection.Pass is ScreeningPass.New);
        }
        else if (!connection.IsTaken && isSessionOverdue && HasServerLog)
        {
            tally.NotTaken(connection.Began, connection.Began, "no session in smtpd's log");
        }
        else
        {
            CountHandedOff(connection);
        }
    }

    /// <summary>Counts what became of it in the greet wait: it left, or it was still there when it talked, passed or failed.</summary>
    public void CountWaits(Connection connection)
    {
        if (connection.TalkedAfter >= 0)
            tally.EarlyTalk.Add(connection.TalkedAfter);
        if (connection.HungUpAfter >= 0)
            tally.HangUps.Add(connection.HungUpAfter);
        if (connection.TalkedAfter >= 0)
            tally.Curves.Add(connection.Class, connection.TalkedAfter, hasLeft: connection.SaidQuit);
        else if (connection.HungUpAfter >= 0)
            tally.Curves.Add(connection.Class, connection.HungUpAfter, hasLeft: true);
        else if (!connection.HadNoWait && connection.StayedUntil - connection.Opened is > 0 and < LongestScreening and var stayed) // else no test was due
            tally.Curves.Add(connection.Class, stayed, hasLeft: false);
    }

    private void CountHandedOff(Connection connection)
    {
        var waited = connection.Passed - connection.Opened;
        tally.HandedOff(connection.Pass, connection.Began, connection.IsWaitUnknown || waited >= LongestScreening ? null : Math.Max(0, waited));
        if (connection.Pass is ScreeningPass.ByAccessList or ScreeningPass.ByProvider or ScreeningPass.Known)
            tally.CameBack(connection.Key.Address, connection.Passed);
        if (connection.Session is not { } session)
            return;
        _withSession++;
        sessions.Confirm(session);
    }
}
