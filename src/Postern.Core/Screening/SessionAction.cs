using Postern.Core.Allowlist;

namespace Postern.Core.Screening;

/// <summary>What a session can ask the daemon to do.</summary>
public enum ActionKind
{
    /// <summary>Write a log line: <see cref="SessionAction.Bytes"/>, <see cref="SessionAction.Severity"/>.</summary>
    Log,

    /// <summary>Write a log line under Postern's own name, apart from the lines that postscreen's readers know.</summary>
    LogAsPostern,

    /// <summary>Send <see cref="SessionAction.Bytes"/> to the client.</summary>
    Send,

    /// <summary>Watch the client's socket as <see cref="SessionAction.Watch"/> says.</summary>
    Watch,

    /// <summary>Set the session's one timer to <see cref="SessionAction.Delay"/> from now, in place of any earlier setting.</summary>
    WakeAfter,

    /// <summary>Ask the store behind the temporary allowlist for the client's record.</summary>
    AskAllowlist,

    /// <summary>Have the session's <see cref="Session.Question"/> asked on another thread, and answer with <see cref="Session.OnLookedUp"/>.</summary>
    LookUp,

    /// <summary>Store <see cref="SessionAction.Record"/> in the temporary allowlist.</summary>
    Remember,

    /// <summary>Find out whether TLS can be spoken, and answer with <see cref="Session.OnTlsReady"/> or <see cref="Session.OnTlsUnavailable"/>.</summary>
    PrepareTls,

    /// <summary>
    /// Speak TLS from now on: what is sent so far goes out as it is, then comes the handshake. If it fails the client has
    /// hung up; if not, the dialogue goes on inside. Never followed by <see cref="HandOff"/>.
    /// </summary>
    StartTls,

    /// <summary>
    /// Make the DNS list queries of the session's <see cref="Session.Dnsbl"/>, if no other session has had them made, and
    /// tell the session when it is complete.
    /// </summary>
    LookUpDnsbl,

    /// <summary>Find out the client's reverse name, and answer with <see cref="Session.OnReverseName"/>; the session does not wait for that.</summary>
    LookUpReverseName,

    /// <summary>Give the live socket to the SMTP server. The last action, unless it fails.</summary>
    HandOff,

    /// <summary>Hand the client over in the middle of its session: <see cref="Session.Envelope"/>. The last action.</summary>
    HandOver,

    /// <summary>Close the socket. The last action.</summary>
    Close,
}

/// <summary>How the client's socket is watched.</summary>
public enum WatchMode : byte
{
    /// <summary>Not at all.</summary>
    Nothing,

    /// <summary>Look at what comes and leave it in the kernel, so that a hand-off loses nothing.</summary>
    Peek,

    /// <summary>Read what comes.</summary>
    Read,
}

/// <summary>One action; which members mean something depends on <see cref="Kind"/>.</summary>
public readonly record struct SessionAction(
    ActionKind Kind, Range Bytes = default, LogSeverity Severity = default, WatchMode Watch = default, TimeSpan Delay = default, TestExpiry Record = default);
