using Postern.Core;
using Postern.Core.Tables;

namespace Postern.Tables;

/// <summary>Why a request has no reply.</summary>
internal enum ServerTrouble
{
    /// <summary>No connection could be made.</summary>
    NoConnection,

    /// <summary>The server has ended the connection.</summary>
    Disconnect,

    /// <summary>The server is silent.</summary>
    Silence,

    /// <summary>What came can be no reply.</summary>
    BadForm,
}

/// <summary>What tables on servers differ in: their words, and how often they ask.</summary>
internal interface ITableProtocol
{
    /// <summary>How long a server may take. Postfix has no <see cref="LookupLimits.Total"/>.</summary>
    LookupLimits Limits { get; }

    /// <summary>The longest reply in bytes, with all that is around it.</summary>
    int MaxReply { get; }

    /// <summary>The request for a key.</summary>
    byte[] Request(string key);

    /// <summary>Finds the reply in what has come so far.</summary>
    /// <param name="length">Bytes of a complete reply.</param>
    /// <param name="problem">Why there will be none; null: there may be one.</param>
    bool TryRead(ReadOnlySpan<byte> received, out string? reply, out int length, out string? problem);

    /// <summary>Understands a reply, and says in Postfix's words why it is no answer.</summary>
    LookupResult Parse(string reply, string server, IWarningSink warnings);

    /// <summary>Whether another attempt is made, as long as there are some left.</summary>
    bool RetriesAfter(ServerTrouble trouble);

    /// <summary>Says in Postfix's words what went wrong.</summary>
    /// <param name="reason">The system's words, or those of <see cref="TryRead"/>.</param>
    void Warn(ServerTrouble trouble, string server, string reason, bool isLast, IWarningSink warnings);
}

/// <summary><c>tcp:host:port</c> (tcp_table(5)).</summary>
internal sealed class TcpProtocol : ITableProtocol
{
    public LookupLimits Limits { get; } = new(Tries: 10, Pause: TimeSpan.FromSeconds(1), Silence: TimeSpan.FromSeconds(100), Total: TimeSpan.FromSeconds(240));

    public int MaxReply => TcpTableProtocol.MaxReply;

    public byte[] Request(string key) => TcpTableProtocol.Request(key);

    public bool TryRead(ReadOnlySpan<byte> received, out string? reply, out int length, out string? problem) =>
        TcpTableProtocol.TryRead(received, out reply, out length, out problem);

    public LookupResult Parse(string reply, string server, IWarningSink warnings)
    {
        var result = TcpTableProtocol.Parse(reply, out var problem);
        if (problem is not null)
            Warn(ServerTrouble.BadForm, server, problem, isLast: true, warnings);
        return result;
    }

    public bool RetriesAfter(ServerTrouble trouble) => true;

    public void Warn(ServerTrouble trouble, string server, string reason, bool isLast, IWarningSink warnings) => warnings.Warn(trouble switch
    {
        ServerTrouble.NoConnection => $"connect to TCP map {server}: {reason}",
        ServerTrouble.Silence or ServerTrouble.Disconnect => $"read TCP map reply from {server}: unexpected EOF ({reason})",
        _ => $"read TCP map reply from {server}: {reason}",
    });
}

/// <summary><c>socketmap:inet:host:port:map</c> and <c>socketmap:unix:path:map</c> (socketmap_table(5)).</summary>
/// <param name="table">With type.</param>
/// <param name="map">What the server calls it.</param>
internal sealed class NetstringProtocol(string table, string map) : ITableProtocol
{
    private const int RoomForLength = 16;

    public LookupLimits Limits { get; } = new(Tries: 2, Pause: TimeSpan.Zero, Silence: TimeSpan.FromSeconds(100), Total: TimeSpan.FromSeconds(240));

    public int MaxReply => SocketmapProtocol.MaxReply + RoomForLength;

    public byte[] Request(string key) => SocketmapProtocol.Request(map, key);

    public bool TryRead(ReadOnlySpan<byte> received, out string? reply, out int length, out string? problem) =>
        SocketmapProtocol.TryRead(received, out reply, out length, out problem);

    public LookupResult Parse(string reply, string server, IWarningSink warnings)
    {
        var result = SocketmapProtocol.Parse(reply, out var problem);
        if (problem is not null)
            warnings.Warn($"{table} {problem}");
        return result;
    }

    public bool RetriesAfter(ServerTrouble trouble) => trouble is ServerTrouble.Disconnect;

    public void Warn(ServerTrouble trouble, string server, string reason, bool isLast, IWarningSink warnings)
    {
        if (trouble is ServerTrouble.NoConnection)
            warnings.Warn($"connect to {server}: {reason}");
        reason = trouble switch
        {
            ServerTrouble.Disconnect => "unexpected disconnect",
            ServerTrouble.Silence => "time limit exceeded",
            _ => reason,
        };
        if (isLast)
            warnings.Warn($"table {table} lookup error: {reason}");
    }
}
