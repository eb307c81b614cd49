namespace Postern.Core.Tables;

/// <summary>All table types that a configuration can name.</summary>
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
            DescribeReadProblem = (path, reason) =>
                reason == IsDirectory ? $"cidr map {path}: read error: {reason}" : $"open {path}: {reason}",
        },
        new("fail") { FromArgument = FailTable.Parse },
        new("inline") { FromArgument = InlineTable.Parse },
        new("static") { FromArgument = StaticTable.Parse },
        new("texthash")
        {
            FromFile = TexthashTable.Parse,
            DescribeReadProblem = (path, reason) =>
                reason == IsDirectory ? $"read {path}: {reason}" : $"open database {path}: {reason}",
        },

        // Postfix has these; here they come in a later version.
        new("btree"), new("cdb"), new("dbm"), new("environ"), new("hash"), new("internal"), new("ldap"), new("lmdb"),
        new("memcache"), new("mongodb"), new("mysql"), new("netinfo"), new("nis"), new("nisplus"), new("pcre"), new("pgsql"),
        new("pipemap"), new("proxy"), new("randmap"), new("regexp"), new("sdbm"), new("socketmap"), new("sqlite"),
        new("tcp"), new("unionmap"), new("unix"),
    ];
}
