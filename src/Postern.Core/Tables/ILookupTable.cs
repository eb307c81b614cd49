namespace Postern.Core.Tables;

/// <summary>
/// A Postfix lookup table, opened for reading. Keys and values are Latin-1 characters standing for bytes. Any thread may look
/// up, several at a time.
/// </summary>
public interface ILookupTable
{
    /// <summary>As the administrator wrote it: <c>cidr:/etc/postfix/access.cidr</c>.</summary>
    string Name { get; }

    /// <summary>What a look-up may have to wait for now.</summary>
    LookupWait Wait => LookupWait.None;

    /// <summary>Looks up one key; what goes wrong is told to <paramref name="warnings"/> and answered with an error.</summary>
    LookupResult Lookup(string key, IWarningSink warnings);

    /// <summary>Looks up an address in its text form. Tables of networks answer without making the text.</summary>
    LookupResult Lookup(IpAddress address, IWarningSink warnings) => Lookup(address.ToString(), warnings);
}
