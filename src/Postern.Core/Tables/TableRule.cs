namespace Postern.Core.Tables;

/// <summary>One entry of a table as it was written, for those who judge what a table can answer without asking it.</summary>
/// <param name="Line">Its line in the text, from 1; 0: it is from a database.</param>
/// <param name="Key">What it is for: an address, a network, an expression.</param>
/// <param name="Value">What the table answers; what an expression's groups would put in is left out.</param>
public readonly record struct TableRule(int Line, string Key, string Value)
{
    /// <summary>Whether finding out that it applies may take time without bound.</summary>
    public bool MayTakeLong { get; init; }
}

/// <summary>Lists the entries of a table; those that a look-up skips are left out.</summary>
public delegate IEnumerable<TableRule> TableRuleReader(TableSource source);

/// <summary>The entries of a table.</summary>
/// <param name="File">The file in which they are written; null: the table is written where it is named.</param>
/// <param name="Rules">Read while they are listed.</param>
public sealed record TableRules(string? File, IEnumerable<TableRule> Rules);
