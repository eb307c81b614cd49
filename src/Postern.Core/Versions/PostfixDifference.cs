namespace Postern.Core.Versions;

/// <summary>What Postern does where two versions of Postfix differ.</summary>
public enum VersionPolicy
{
    /// <summary>What the version in force does.</summary>
    ByVersion,

    /// <summary>The newer behaviour, whatever the version: who has the older one gains by it.</summary>
    ForAll,

    /// <summary>The older behaviour, whatever the version.</summary>
    NotFollowed,
}

/// <summary>A row of <see cref="PostfixDifferences"/>.</summary>
/// <param name="Name">Short, with hyphens: what <c>postern config --origin</c> prints.</param>
/// <param name="Since">The first series that behaves in the newer way.</param>
/// <param name="What">What it is about, for administrators, in Markdown.</param>
/// <param name="Before">The older behaviour, in Markdown.</param>
/// <param name="After">The newer behaviour, in Markdown.</param>
/// <param name="Source">Where it was seen: a case of tests/Lab/versions, a page of Postfix's manual.</param>
public sealed record PostfixDifference(string Name, PostfixVersion Since, string What, string Before, string After, string Source)
{
    /// <summary>What Postern does.</summary>
    public VersionPolicy Policy { get; init; }

    /// <summary>Why <see cref="Policy"/> is not to follow the version, in Markdown; null: it does.</summary>
    public string? Reason { get; init; }

    /// <summary>The parameters that are read or work differently because of it.</summary>
    public IReadOnlyList<string> Parameters { get; init; } = [];

    /// <summary>The new text that stands for an absent entry of the one parameter; null: it is not about a default.</summary>
    public string? Default { get; init; }

    /// <summary>Patch levels of older series that got the newer behaviour, too.</summary>
    public IReadOnlyList<PostfixVersion> Backports { get; init; } = [];

    /// <summary>Whether that version of Postfix behaves in the newer way.</summary>
    public bool IsIn(PostfixVersion version)
    {
        if (version >= Since)
            return true;
        foreach (var backport in Backports)
        {
            if (version.Series == backport.Series && version.Patch >= backport.Patch)
                return true;
        }

        return false;
    }
}
