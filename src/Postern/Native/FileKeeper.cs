namespace Postern.Native;

/// <summary>The user for whom root opens files: the one that the process is about to become.</summary>
/// <param name="User">User ID; not root's.</param>
/// <param name="Group">Group ID.</param>
internal readonly record struct FileKeeper(uint User, uint Group);
