; Inno Setup 6 script. Build the program first:
;   cargo build --profile dist --bin waterwheel
;   magick -background none assets\icon\waterwheel.svg -define icon:auto-resize=256,64,48,32,16 packaging\windows\waterwheel.ico
;   iscc packaging\windows\waterwheel.iss
; Written without a Windows machine at hand: not yet run.

#define Version "0.1.0"

[Setup]
AppId={{5B6E1B0A-9A4E-4C7E-8E11-8E7B3C1D7A52}
AppName=Waterwheel
AppVersion={#Version}
DefaultDirName={autopf}\Waterwheel
DefaultGroupName=Waterwheel
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible arm64
ArchitecturesInstallIn64BitMode=x64compatible arm64
OutputDir=..\..\target\windows
OutputBaseFilename=waterwheel-{#Version}-setup
SetupIconFile=waterwheel.ico
LicenseFile=..\..\LICENSE-MIT
UninstallDisplayIcon={app}\waterwheel.exe

[Files]
Source: "..\..\target\dist\waterwheel.exe"; DestDir: "{app}"
Source: "..\..\README.md"; DestDir: "{app}"
Source: "..\..\LICENSE-MIT"; DestDir: "{app}"
Source: "..\..\LICENSE-APACHE"; DestDir: "{app}"

[Icons]
Name: "{group}\Waterwheel"; Filename: "{app}\waterwheel.exe"
Name: "{autodesktop}\Waterwheel"; Filename: "{app}\waterwheel.exe"; Tasks: desktopicon

[Tasks]
Name: desktopicon; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked

[Run]
Filename: "{app}\waterwheel.exe"; Description: "{cm:LaunchProgram,Waterwheel}"; Flags: nowait postinstall skipifsilent
