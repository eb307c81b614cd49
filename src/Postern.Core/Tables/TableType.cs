using Postern.Core.Versions;

namespace Postern.Core.Tables;

/// <summary>Makes a table; null with a problem in Postfix's words when it cannot be made.</summary>
public delegate ILookupTable? TableParser(TableSource source, IWarningSink warnings, out string? problem);

/// <summary>Makes a table of other tables; null with a problem in Postfix's words when it cannot be made.</summary>
public delegate ILookupTable? TableComposer(TableSource source, TableCatalog tables, IWarningSink warnings, out string? problem);

/// <summary>A row of <see cref="TableTypes"/>. One without parsers is known to Postfix and does not exist here yet.</summary>
/// <param name="Name">What stands before the first colon; case matters.</param>
public sealed record TableType(string Name)
{
    /// <summary>Makes a table whose argument is its content; null: the argument is always a path.</summary>
    public TableParser? FromArgument { get; init; }

    /// <summary>Makes a table whose argument names other tables; null: it does not.</summary>
    public TableComposer? FromTables { get; init; }

    /// <summary>Makes a table from a file; null: the argument is never a path.</summary>
    public TableParser? FromFile { get; init; }

    /// <summary>Lists the entries, from the file's text or from the argument; null: they cannot be listed.</summary>
    public TableRuleReader? Rules { get; init; }

    /// <summary>What the file's name has behind the path in the argument: <c>.db</c>.</summary>
    public string FileSuffix { get; init; } = "";

    /// <summary>Postfix's words when the file cannot be read, from the path and the system's reason.</summary>
    public Func<string, string, string> DescribeReadProblem { get; init; } = (path, reason) => $"open {path}: {reason}";

    /// <summary>The difference between versions of Postfix that brought the type; null: all have it.</summary>
    public PostfixDifference? Since { get; init; }

    /// <summary>Whether this version has the type.</summary>
    public bool IsAvailable => FromArgument is not null || FromFile is not null || FromTables is not null;

    /// <summary>Whether the argument is a path. Where both forms exist, a brace begins the content.</summary>
    public bool IsPath(string argument) => FromFile is not null && (FromArgument is null || !argument.StartsWith('{'));
}
