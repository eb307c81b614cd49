using System.Text;
using System.Text.Unicode;

namespace Postern.Core.Tables;

/// <summary>
/// A table for a user who speaks UTF-8 (<c>smtputf8_enable = yes</c>): it has no key that is not UTF-8, and a value that
/// is not is an error.
/// </summary>
internal sealed class Utf8Table(ILookupTable table) : ILookupTable
{
    private const string Why = "malformed UTF-8 or invalid codepoint";

    /// <inheritdoc />
    public string Name => table.Name;

    /// <inheritdoc />
    public LookupWait Wait => table.Wait;

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        if (IsUtf8(key))
            return Check(table.Lookup(key, warnings), key, warnings);
        warnings.Warn($"{Name}: non-UTF-8 key \"{key}\": {Why}");
        return LookupResult.NotFound;
    }

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings)
    {
        var result = table.Lookup(address, warnings);
        return Ascii.IsValid(result.Value) ? result : Check(result, address.ToString(), warnings);
    }

    private LookupResult Check(LookupResult result, string key, IWarningSink warnings)
    {
        if (IsUtf8(result.Value))
            return result;
        warnings.Warn($"{Name}: key \"{key}\": non-UTF-8 value \"{result.Value}\": {Why}");
        return LookupResult.Error;
    }

    private static bool IsUtf8(string text) => Ascii.IsValid(text) || Utf8.IsValid(Encoding.Latin1.GetBytes(text));
}
