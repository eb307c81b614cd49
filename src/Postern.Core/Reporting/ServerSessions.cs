using System.Runtime.InteropServices;

namespace Postern.Core.Reporting;

/// <summary>
/// Puts together what one machine's log says of each session of smtpd, and counts those that took a connection from screening,
/// and their mails. A mail is taken when the queue manager has it.
/// </summary>
/// <param name="tally">Counts.</param>
/// <param name="handOvers">Which session of smtpd took which connection.</param>
internal sealed class ServerSessions(ServerTally tally, HandOvers handOvers)
{
    private const int MaxIdLength = 20; // bytes of a queue ID
    private const int MaxSessions = 50_000; // then those that never ended are swept
    private const int MaxUnsettled = 50_000; // sessions that are over, with mails of which nothing more was said
    private const int MaxMails = 200_000; // not yet delivered
    private const long LongestSession = 7200; // seconds

    private readonly Dictionary<SessionKey, ServerSession> _open = [];
    private readonly Dictionary<ulong, Mail> _mails = [];
    private readonly Dictionary<ulong, EarlyWord> _early = [];
    private readonly Queue<(ulong Id, long Due)> _earlyIds = new();
    private readonly Queue<(ulong Id, long At)> _removed = new();
    private readonly Queue<(ServerSession Session, long Due)> _waiting = new(), _closed = new();
    private readonly Queue<ServerSession> _unsettled = new();
    private bool _hasQueueManager;
    private int _sweepAt = MaxSessions;

    /// <summary>Told when a session has taken a connection.</summary>
    public Action<Connection, long> OnTaken { get; set; } = static (_, _) => { };

    [Flags]
    private enum EarlyWord : byte
    {
        Taken = 1,
        Delivered = 2,
        Refused = 4,
    }

    private struct Mail
    {
        public ServerSession Session;
        public bool IsSettled, IsTaken, IsRefused, IsDelivered;
        public long RemovedAt; // 0: it is still there
    }

    /// <summary>Takes in a line of smtpd.</summary>
    /// <param name="line">The line.</param>
    /// <param name="time">Its time.</param>
    /// <param name="isDisordered">The lines are not in the order in which they were written.</param>
    public void Add(in MailLogLine line, long time, bool isDisordered)
    {
        if (IsSubmission(line.Instance))
            return;
        var text = line.Text;
        if (text.StartsWith("connect from "u8))
        {
            if (ClientText.TryReadNamed(text, out var address))
                Connect(new SessionKey(address, line.ProcessId), time, isDisordered);
        }
        else if (text.StartsWith("disconnect from "u8))
        {
            if (ClientText.TryReadNamed(text, out var address))
                Close(Find(new SessionKey(address, line.ProcessId), time), time);
        }
        else if (text.StartsWith("lost connection after "u8) || text.StartsWith("timeout after "u8))
        {
            if (ClientText.TryReadNamed(text, out var address) && _open.TryGetValue(new SessionKey(address, line.ProcessId), out var session))
                Abandon(session);
        }
        else if (text.IndexOf(": "u8) is > 0 and <= MaxIdLength and var end)
        {
            AddMail(line, text[..end], text[(end + 2)..], time);
        }
    }

    /// <summary>Takes in a line of another program: cleanup, the queue manager, a delivery agent.</summary>
    public void AddDelivery(in MailLogLine line, long time)
    {
        if (line.Text.IndexOf(": "u8) is not (> 0 and <= MaxIdLength and var end))
            return;
        var text = line.Text[(end + 2)..];
        var (isOfQueueManager, isRemoved) = (text.StartsWith("from=<"u8), text.SequenceEqual("removed"u8));
        _hasQueueManager |= isOfQueueManager;
        var word = isOfQueueManager || isRemoved ? EarlyWord.Taken
            : text.StartsWith("to=<"u8) ? text.IndexOf(", status=sent "u8) > 0 ? EarlyWord.Taken | EarlyWord.Delivered : EarlyWord.Taken
            : IsRejection(text) ? EarlyWord.Refused
            : default;
        if (word == default)
            return;
        var id = Fingerprint.Of(line.Text[..end]);
        if (!_mails.ContainsKey(id))
        {
            // Somebody else's; or smtpd's line is late.
            if (isRemoved)
                return;
            ref var early = ref CollectionsMarshal.GetValueRefOrAddDefault(_early, id, out _);
            early |= word;
            _earlyIds.Enqueue((id, time + HostLog.Disorder));
            return;
        }

        Take(id, word);
        if (!isRemoved)
            return;
        CollectionsMarshal.GetValueRefOrNullRef(_mails, id).RemovedAt = time;
        _removed.Enqueue((id, time));
    }

    /// <summary>The connection that the session took is known to have been handed over to it.</summary>
    public void Confirm(ServerSession session)
    {
        session.IsBehindScreening = true;
        CountIfOver(session);
    }

    /// <summary>It was not the connection that the session took: is there another one?</summary>
    public void LookAgain(ServerSession session, long time)
    {
        if (handOvers.TryTake(session, time))
            OnTaken(session.Connection!, time);
        else
            Drop(session);
    }

    /// <summary>Settles what no more lines are to be expected of.</summary>
    public void Expire(long now)
    {
        while (_waiting.TryPeek(out var waiting) && waiting.Due < now)
        {
            _waiting.Dequeue();
            if (waiting.Session.Connection is not null)
                continue;
            if (waiting.Session.HasBeginning)
                LookAgain(waiting.Session, waiting.Due);
            else
                Drop(waiting.Session);
        }

        while (_closed.TryPeek(out var closed) && closed.Due < now)
        {
            _closed.Dequeue();
            if (closed.Session.Pending == 0 || closed.Session.IsForeign)
                Settle(closed.Session);
            else
                Await(closed.Session);
        }

        while (_unsettled.Count > MaxUnsettled)
            Settle(_unsettled.Dequeue());
        while (_removed.TryPeek(out var removed) && removed.At + HostLog.Disorder < now)
        {
            _removed.Dequeue();
            if (_mails.TryGetValue(removed.Id, out var mail) && mail.RemovedAt == removed.At) // else the ID is in use again
                _mails.Remove(removed.Id);
        }

        while (_earlyIds.TryPeek(out var early) && early.Due < now)
            _early.Remove(_earlyIds.Dequeue().Id);
    }

    /// <summary>The log is over: no session goes on.</summary>
    public void Complete()
    {
        foreach (var session in _open.Values.Concat(_unsettled).ToArray())
            Settle(session);
        _open.Clear();
        _unsettled.Clear();
    }

    // Postfix's own master.cf gives its services for submission these names.
    private static bool IsSubmission(ReadOnlySpan<byte> instance)
    {
        var name = instance[(instance.LastIndexOf((byte)'/') + 1)..];
        return name.SequenceEqual("submission"u8) || name.SequenceEqual("submissions"u8) || name.SequenceEqual("smtps"u8);
    }

    private static bool IsRejection(ReadOnlySpan<byte> text) =>
        text.StartsWith("reject: "u8) || text.StartsWith("milter-reject: "u8) || text.StartsWith("proxy-reject: "u8);

    private void Connect(in SessionKey key, long time, bool isDisordered)
    {
        if (_open.TryGetValue(key, out var session))
        {
            if (!session.HasBeginning)
            {
                session.HasBeginning = true;
                return;
            }

            // A process serves one client at a time: so the line stands there twice, unless the end of the session before is late.
            if (!session.IsClosed && !isDisordered && time - session.Opened <= HostLog.Disorder)
                return;
            Close(session, time);
        }

        Open(key, time).HasBeginning = true;
    }

    private ServerSession Find(in SessionKey key, long time) => _open.TryGetValue(key, out var session) ? session : Open(key, time);

    private ServerSession Open(in SessionKey key, long time)
    {
        var session = new ServerSession { Key = key, Opened = time };
        _open[key] = session;
        if (_open.Count > _sweepAt)
            Sweep(time);
        _waiting.Enqueue((session, time + HostLog.Disorder)); // for lines of screening that are late
        return session;
    }

    // Over, but for what becomes of its mails.
    private void Await(ServerSession session)
    {
        session.IsUnsettled = true;
        _unsettled.Enqueue(session);
        if (_open.TryGetValue(session.Key, out var current) && current == session)
            _open.Remove(session.Key);
    }

    private void Close(ServerSession session, long time)
    {
        if (session.IsClosed)
            return;
        session.IsClosed = true;
        _closed.Enqueue((session, time + 2 * HostLog.Disorder)); // the line may be that of the one before, which is late
    }

    // ID: client=name[address]; ID: reject: RCPT from name[address]: …
    private void AddMail(in MailLogLine line, ReadOnlySpan<byte> id, ReadOnlySpan<byte> text, long time)
    {
        var isMail = text.StartsWith("client="u8);
        if ((!isMail && !IsRejection(text)) || !ClientText.TryReadNamed(text, out var address))
            return;
        var session = Find(new SessionKey(address, line.ProcessId), time);
        var isQueued = !id.SequenceEqual("NOQUEUE"u8);
        var key = isQueued ? Fingerprint.Of(id) : 0;
        if (isMail)
        {
            if (isQueued)
                Begin(session, key);
            return;
        }

        session.Rejections++;
        if (isQueued && _mails.ContainsKey(key))
            Abandon(key);
    }

    private void Begin(ServerSession session, ulong id)
    {
        if (session.IsForeign)
            return;
        ref var mail = ref CollectionsMarshal.GetValueRefOrAddDefault(_mails, id, out var exists);
        if (exists && mail.Session == session)
            return; // the line stands there twice
        mail = new Mail { Session = session };
        session.Pending++;
        session.LastMail = id;
        if (_mails.Count > MaxMails)
        {
            _mails.Remove(id);
            tally.IsIncomplete = true;
        }
        else if (_early.Remove(id, out var early))
        {
            Take(id, early);
        }
    }

    private void Take(ulong id, EarlyWord word)
    {
        ref var mail = ref CollectionsMarshal.GetValueRefOrNullRef(_mails, id);
        var session = mail.Session;
        if (word.HasFlag(EarlyWord.Refused) && !mail.IsRefused)
        {
            mail.IsRefused = true;
            session.Rejections++;
        }

        if (!mail.IsSettled)
            session.Pending--;
        mail.IsSettled = true;
        if (word.HasFlag(EarlyWord.Taken) && !mail.IsTaken)
        {
            mail.IsTaken = true;
            session.Taken++;
        }

        if (word.HasFlag(EarlyWord.Delivered) && !mail.IsDelivered)
        {
            mail.IsDelivered = true;
            if (session.IsCounted)
                tally.Delivered++;
            else
                session.Delivered++;
        }

        if (session is { Pending: 0, IsUnsettled: true })
            Settle(session);
    }

    /// <summary>The client goes in the middle of something: the mail that it was about to send will not come.</summary>
    private void Abandon(ServerSession session)
    {
        if (session.LastMail is { } id && _mails.TryGetValue(id, out var mail) && mail.Session == session)
            Abandon(id);
    }

    private void Abandon(ulong id)
    {
        ref var mail = ref CollectionsMarshal.GetValueRefOrNullRef(_mails, id);
        if (!mail.IsSettled)
            mail.Session.Pending--;
        mail.IsSettled = true;
    }

    private void Settle(ServerSession session)
    {
        if (session.IsOver)
            return;
        if (_open.TryGetValue(session.Key, out var current) && current == session)
            _open.Remove(session.Key);
        if (!_hasQueueManager) // its lines were left out: smtpd's word counts
            session.Taken += session.Pending;
        (session.IsOver, session.IsUnsettled, session.Pending) = (true, false, 0);
        CountIfOver(session);
    }

    private void CountIfOver(ServerSession session)
    {
        if (session is not { IsOver: true, IsBehindScreening: true, IsCounted: false })
            return;
        session.IsCounted = true;
        tally.Count(session.Taken, session.Rejections, session.Delivered);
    }

    // Submission, a content filter: it does not count, but what it says is still to be known for its own.
    private void Drop(ServerSession session)
    {
        session.IsForeign = true;
        if (!session.HasBeginning)
            Settle(session);
    }

    private void Sweep(long now)
    {
        foreach (var session in _open.Values.Where(session => now - session.Opened > LongestSession).ToArray())
            Settle(session);
        _sweepAt = Math.Max(MaxSessions, 2 * _open.Count);
    }
}
