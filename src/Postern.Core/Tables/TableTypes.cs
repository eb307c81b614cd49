using Postern.Core.Versions;

namespace Postern.Core.Tables;

/// <summary>
/// All table types that a configuration can name. Those that need native code, a daemon or chance are made by the
/// composition's rows of the same name, which come first (<see cref="TableCatalog"/>).
/// </summary>
public static class TableTypes
{
    private const string IsDirectory = "Is a directory"; // a directory can be opened; it is the reading that fails

    /// <summary>The registry.</summary>
    public static readonly IReadOnlyList<TableType> All =
    [
        new("cidr")
        {
            FromArgument = CidrTable.Parse,
            FromFile = CidrTable.Parse,
            Rules = CidrTable.Rules,
            DescribeReadProblem = (path, reason) =>
                reason == IsDirectory ? $"cidr map {path}: read error: {reason}" : $"open {path}: {reason}",
        },
        new("btree")
        {
            FromFile = BerkeleyTable.ParseBtree,
            Rules = BerkeleyTable.RulesOfBtree,
            FileSuffix = ".db",
            DescribeReadProblem = (path, reason) => $"open database {path}: {reason}",
        },
        new("cdb")
        {
            FromFile = CdbTable.Parse,
            Rules = CdbTable.Rules,
            FileSuffix = ".cdb",
            DescribeReadProblem = (path, reason) => $"open database {path}: {reason}",
        },
        new("debug") { FromTables = DebugTable.Compose, Since = PostfixDifferences.DebugTables },
        new("fail") { FromArgument = StaticTable.ParseFail },
        new("hash")
        {
            FromFile = BerkeleyTable.ParseHash,
            Rules = BerkeleyTable.RulesOfHash,
            FileSuffix = ".db",
            DescribeReadProblem = (path, reason) => $"open database {path}: {reason}",
        },
        new("inline") { FromArgument = InlineTable.Parse, Rules = InlineTable.Rules },
        new("internal") { FromArgument = StaticTable.ParseInternal },
        new("pipemap") { FromTables = PipeMapTable.Compose },
        new("static") { FromArgument = StaticTable.Parse, Rules = StaticTable.Rules },
        new("texthash")
        {
            FromFile = TexthashTable.Parse,
            Rules = TexthashTable.Rules,
            DescribeReadProblem = (path, reason) =>
                reason == IsDirectory ? $"read {path}: {reason}" : $"open database {path}: {reason}",
        },
        new("unionmap") { FromTables = UnionMapTable.Compose },

        // Postfix has these too. Most are rows of the composition.
        new("dbm"), new("environ"), new("ldap"), new("lmdb"), new("memcache"), new("mongodb"), new("mysql"), new("netinfo"),
        new("nis"), new("nisplus"), new("pcre"), new("pgsql"), new("proxy"), new("randmap"), new("regexp"), new("sdbm"),
        new("socketmap"), new("sqlite"), new("tcp"), new("unix"),
    ];
}
