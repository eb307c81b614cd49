namespace Postern.Core.Lanes;

/// <summary>
/// Who hung up in a slow lane, and how often it came back since: taRgrey's tables without sender and recipient, which are
/// not known so early. In memory only; whoever is forgotten is put in the lane again.
/// </summary>
/// <remarks>
/// The key is the network of the client, /24 or /64, as in postgrey: large senders retry from another machine beside the
/// first. There are two generations of entries. When the younger is full it becomes the older one, and what was that is
/// forgotten: a bound that needs neither a clock nor a list by age.
/// </remarks>
/// <param name="generationSize">How many entries a generation takes.</param>
public sealed class HangupMemory(int generationSize = 50_000)
{
    private const uint ReturnGap = 5; // seconds; sessions closer together are one attempt over several connections

    private Dictionary<IpAddress, HangupEntry> _younger = [];
    private Dictionary<IpAddress, HangupEntry> _older = [];

    /// <summary>Networks that are remembered.</summary>
    public int Count => _younger.Count + _older.Count;

    /// <summary>A client has hung up in a lane.</summary>
    /// <param name="connectedAt">When its session began, in monotonic seconds.</param>
    public void OnHangup(IpAddress client, uint connectedAt, TargreySettings settings)
    {
        var network = NetworkOf(client);
        if (!TryFind(network, connectedAt, settings, out _))
            Store(network, new HangupEntry(connectedAt, 0, 0));
    }

    /// <summary>A client that belongs in a lane has come back, or has come for the first time.</summary>
    /// <param name="client">The client.</param>
    /// <param name="connectedAt">When this session began, in monotonic seconds.</param>
    /// <param name="settings">When it has come back often enough.</param>
    /// <param name="since">Seconds since the session that hung up had begun.</param>
    /// <param name="refusals">How many returns have been refused and counted, this one included.</param>
    public ReturnVerdict Judge(IpAddress client, uint connectedAt, TargreySettings settings, out uint since, out int refusals)
    {
        (since, refusals) = (0, 0);
        var network = NetworkOf(client);
        if (!TryFind(network, connectedAt, settings, out var entry))
            return ReturnVerdict.Unknown;

        since = Since(connectedAt, entry.FirstAt);
        refusals = entry.Refusals;
        if (since < settings.Delay.TotalSeconds || (entry.Refusals > 0 && Since(connectedAt, entry.CountedAt) < ReturnGap))
            return ReturnVerdict.Refuse;
        if (entry.Refusals >= settings.RetryCount)
        {
            Forget(client); // from now on the temporary allowlist knows it
            return ReturnVerdict.LetIn;
        }

        Store(network, entry with { CountedAt = connectedAt, Refusals = ++refusals });
        return ReturnVerdict.Refuse;
    }

    /// <summary>A client has waited out a lane.</summary>
    public void Forget(IpAddress client)
    {
        var network = NetworkOf(client);
        _younger.Remove(network);
        _older.Remove(network);
    }

    /// <summary>What is remembered of a client's network; null: nothing.</summary>
    internal HangupEntry? this[IpAddress client]
    {
        get => _younger.TryGetValue(NetworkOf(client), out var entry) || _older.TryGetValue(NetworkOf(client), out entry) ? entry : null;
        set
        {
            Forget(client);
            if (value is { } entry)
                _younger[NetworkOf(client)] = entry;
        }
    }

    private bool TryFind(IpAddress network, uint now, TargreySettings settings, out HangupEntry entry) =>
        (_younger.TryGetValue(network, out entry) || _older.TryGetValue(network, out entry))
        && Since(now, entry.FirstAt) <= settings.RetryWindow.TotalSeconds;

    private void Store(IpAddress network, HangupEntry entry)
    {
        _older.Remove(network);
        if (_younger.Count >= generationSize && !_younger.ContainsKey(network))
            (_older, _younger) = (_younger, []);
        _younger[network] = entry;
    }

    private static uint Since(uint now, uint then) => now > then ? now - then : 0; // sessions may end in another order

    private static IpAddress NetworkOf(IpAddress client) => client.Network(client.IsIPv4 ? 24 : 64);

}

/// <summary>That a client of a network hung up in a slow lane.</summary>
/// <param name="FirstAt">When its session began, in seconds since 1970 UTC.</param>
/// <param name="CountedAt">When the last return began that was counted; 0: none was.</param>
/// <param name="Refusals">How many returns have been refused and counted.</param>
internal readonly record struct HangupEntry(uint FirstAt, uint CountedAt, int Refusals);

/// <summary>What is done with a client that belongs in a lane.</summary>
public enum ReturnVerdict
{
    /// <summary>Nobody of its network hung up lately: it is put in the lane.</summary>
    Unknown,

    /// <summary>Its recipients are answered with 450.</summary>
    Refuse,

    /// <summary>It has come back often enough.</summary>
    LetIn,
}
