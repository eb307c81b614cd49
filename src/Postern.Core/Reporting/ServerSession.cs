namespace Postern.Core.Reporting;

/// <summary>By what a machine's log tells sessions of smtpd apart: a process serves one client at a time.</summary>
internal readonly record struct SessionKey(IpAddress Address, uint ProcessId)
{
    public bool Equals(SessionKey other) => Address.Equals(other.Address) && ProcessId == other.ProcessId;

    public override int GetHashCode() => (int)Fingerprint.Of(Address, ProcessId);
}

/// <summary>What a log has said of one session of smtpd so far.</summary>
internal sealed class ServerSession
{
    public SessionKey Key;

    /// <summary>When its first line came, by the <see cref="HostClock"/>.</summary>
    public long Opened;

    /// <summary>The connection that it took; null: none so far, and it may be submission, or a content filter.</summary>
    public Connection? Connection;

    /// <summary>The connection is known to have been handed over to it.</summary>
    public bool IsBehindScreening;

    /// <summary>"connect" was seen.</summary>
    public bool HasBeginning;

    /// <summary>"disconnect" was seen.</summary>
    public bool IsClosed;

    /// <summary>Only the fate of its mails is not known.</summary>
    public bool IsUnsettled;

    /// <summary>Nothing more is expected of it.</summary>
    public bool IsOver;

    /// <summary>It took no connection from screening.</summary>
    public bool IsForeign;

    /// <summary>It is in the tally.</summary>
    public bool IsCounted;

    /// <summary>The mail that it began to take last; null: none.</summary>
    public ulong? LastMail;

    /// <summary>Lines about rejections.</summary>
    public int Rejections;

    /// <summary>Mails that it began to take and of which nobody else has said anything.</summary>
    public int Pending;

    /// <summary>Mails that the queue manager has.</summary>
    public int Taken;

    /// <summary>Mails of it that were delivered while it was not known whether it counts.</summary>
    public int Delivered;
}
