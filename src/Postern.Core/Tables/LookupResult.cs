namespace Postern.Core.Tables;

/// <summary>Answer of a table.</summary>
public enum LookupStatus
{
    /// <summary>The table has no such key.</summary>
    NotFound,

    /// <summary>The table has the key.</summary>
    Found,

    /// <summary>The table cannot say.</summary>
    Error,
}

/// <param name="Status">Whether the key is there, is not, or cannot be told.</param>
/// <param name="Value">The value; empty unless found.</param>
public readonly record struct LookupResult(LookupStatus Status, string Value)
{
    /// <summary>No such key.</summary>
    public static readonly LookupResult NotFound = new(LookupStatus.NotFound, "");

    /// <summary>The table cannot say.</summary>
    public static readonly LookupResult Error = new(LookupStatus.Error, "");

    /// <summary>The key has this value.</summary>
    public static LookupResult Found(string value) => new(LookupStatus.Found, value);
}
