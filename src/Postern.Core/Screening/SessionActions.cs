using Postern.Core.Allowlist;

namespace Postern.Core.Screening;

/// <summary>
/// The row of actions that an event leads to. The loop owns one, empties it before each event and performs what is in
/// it after the session has returned, so that nothing is allocated per event.
/// </summary>
public sealed class SessionActions : IWarningSink
{
    private readonly List<SessionAction> _actions = new(16);
    private readonly ByteBuffer _bytes = new();
    private int _taken;

    /// <summary>Tells the local time: a footer may show it to the client.</summary>
    public Func<DateTimeOffset> LocalTime { get; set; } = static () => DateTimeOffset.UnixEpoch;

    /// <summary>The actions, in the order in which they are to be performed.</summary>
    public IReadOnlyList<SessionAction> All => _actions;

    /// <summary>How many there are.</summary>
    public int Count => _actions.Count;

    /// <summary>One of them.</summary>
    public SessionAction this[int index] => _actions[index];

    /// <summary>Where the text of the next <see cref="Log"/> or <see cref="Send()"/> is written.</summary>
    public ByteBuffer Text => _bytes;

    /// <summary>The bytes of a log or send action.</summary>
    public ReadOnlySpan<byte> BytesOf(in SessionAction action) => _bytes.Written[action.Bytes];

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        _actions.Clear();
        _bytes.Truncate(0);
        _taken = 0;
    }

    /// <summary>Logs what was written to <see cref="Text"/> since the last action.</summary>
    public void Log(LogSeverity severity = LogSeverity.Info) => _actions.Add(new(ActionKind.Log, Take(), severity));

    /// <summary>Logs what was written to <see cref="Text"/> since the last action, under Postern's own name.</summary>
    public void LogAsPostern() => _actions.Add(new(ActionKind.LogAsPostern, Take(), LogSeverity.Info));

    /// <summary>Sends what was written to <see cref="Text"/> since the last action.</summary>
    public void Send() => _actions.Add(new(ActionKind.Send, Take()));

    /// <summary>Watches the socket.</summary>
    public void Watch(WatchMode mode) => _actions.Add(new(ActionKind.Watch, Watch: mode));

    /// <summary>Sets the timer.</summary>
    public void WakeAfter(TimeSpan delay) => _actions.Add(new(ActionKind.WakeAfter, Delay: delay));

    /// <summary>Asks for the client's record.</summary>
    public void AskAllowlist() => _actions.Add(new(ActionKind.AskAllowlist));

    /// <summary>Asks tables that may have to wait.</summary>
    public void LookUp() => _actions.Add(new(ActionKind.LookUp));

    /// <summary>Stores a record.</summary>
    public void Remember(in TestExpiry record) => _actions.Add(new(ActionKind.Remember, Record: record));

    /// <summary>Asks whether TLS can be spoken.</summary>
    public void PrepareTls() => _actions.Add(new(ActionKind.PrepareTls));

    /// <summary>Speaks TLS from now on.</summary>
    public void StartTls() => _actions.Add(new(ActionKind.StartTls));

    /// <summary>Asks the DNS lists.</summary>
    public void LookUpDnsbl() => _actions.Add(new(ActionKind.LookUpDnsbl));

    /// <summary>Asks for the client's reverse name.</summary>
    public void LookUpReverseName() => _actions.Add(new(ActionKind.LookUpReverseName));

    /// <summary>Hands the socket over.</summary>
    public void HandOff() => _actions.Add(new(ActionKind.HandOff));

    /// <summary>Hands the session over.</summary>
    public void HandOver() => _actions.Add(new(ActionKind.HandOver));

    /// <summary>Closes the socket.</summary>
    public void Close() => _actions.Add(new(ActionKind.Close));

    /// <inheritdoc />
    public void Warn(string text)
    {
        Text.Append(text);
        Log(LogSeverity.Warning);
    }

    /// <inheritdoc />
    public void Note(string text)
    {
        Text.Append(text);
        Log(LogSeverity.Info);
    }

    private Range Take()
    {
        var range = _taken.._bytes.Length;
        _taken = _bytes.Length;
        return range;
    }
}
