namespace Postern.Core.Tables;

/// <summary>What a table is made from.</summary>
/// <param name="Name">As the administrator wrote it, type and all.</param>
/// <param name="Argument">What follows the type and its colon.</param>
/// <param name="File">The file that the argument names, open; null when the argument is the content.</param>
/// <param name="FoldCase">Whether keys match in any letter case.</param>
/// <param name="Duplicates">What two entries with one key are.</param>
public readonly record struct TableSource(string Name, string Argument, IFileReader? File, bool FoldCase, DuplicateKeys Duplicates);

/// <summary>What two entries with one key are, where a table type cares.</summary>
public enum DuplicateKeys
{
    /// <summary>The table is not opened.</summary>
    Refused,

    /// <summary>There is a warning and the first one counts (<c>postscreen_dnsbl_reply_map</c>).</summary>
    Warned,
}
